// NetSuite passes the suite that every connector passes.
import { testConnector } from '../kit/conformance.ts'
import type { ConformanceObject } from '../kit/conformance/subject.ts'
import { sandboxSubject } from '../kit/test-subject.ts'
import { netsuite } from './index.ts'

const refusal = (status: number, code: string, detail = 'as it says', headers = {}) => ({
  status,
  headers,
  body: { type: '', title: 'Refused', status, 'o:errorDetails': [{ detail, 'o:errorCode': code }] },
})

/** The one item of a simulated account, whose ids begin at 1 where the account's id ends with zeros. */
const item = '1'
const order = (quantity: number) =>
  JSON.stringify([
    { item, quantity: String(quantity), rate: '5', amount: String(quantity * 5) },
    { item, description: 'Second line', quantity: '1', rate: '2.5', amount: '2.5' },
  ])

// A merge leaves no trace of who took in whom: the loser is deleted. And what is deleted is gone for good.
const common = {
  customFields: true,
  tokens: true,
  merges: false,
  restores: false,
  found: null,
  references: [],
} as const
const company = { reference: 'company', object: 'company', required: false } as const

const objects: readonly ConformanceObject[] = [
  {
    ...common,
    object: 'company',
    remoteName: 'customer',
    record: (number) => ({ companyName: `Company ${number}`, creditLimit: `${number}.5` }),
    text: 'comments',
    refused: { email: 'no address' },
    found: { field: 'url', kept: 'globex.com', written: 'https://www.Globex.com/' },
  },
  {
    ...common,
    object: 'contact',
    remoteName: 'contact',
    record: (number) => ({ email: `person-${number}@example.com`, lastName: `Person ${number}` }),
    text: 'title',
    refused: { email: 'no address' },
    found: { field: 'email', kept: "o'neil+a&b@example.com", written: "O'Neil+a&b@Example.com" },
    references: [company],
  },
  {
    ...common,
    object: 'sales_order',
    remoteName: 'salesOrder',
    record: (number) => ({
      tranId: `SO-${number}`,
      tranDate: '2026-03-29',
      orderStatus: 'A',
      item: order(number),
    }),
    text: 'memo',
    refused: { tranDate: 'soon' },
    found: { field: 'tranId', kept: 'SO-Ä 1', written: ' SO-Ä 1 ' },
    references: [{ ...company, required: true }],
  },
  {
    ...common,
    object: 'customrecord_machine',
    remoteName: 'customrecord_machine',
    made: {
      name: 'machine',
      label: 'Machine',
      fields: [{ name: 'custrecord_owner', type: 'reference', referenceTo: 'customer' }],
    },
    record: () => ({ isInactive: 'false' }),
    text: 'name',
    refused: { custrecord_weight: 'heavy' },
    references: [{ reference: 'custrecord_owner', object: 'company', required: false }],
  },
]

const prefixes: Readonly<Record<string, string>> = {
  company: 'custentity_',
  contact: 'custentity_',
  sales_order: 'custbody_',
  customrecord_machine: 'custrecord_',
}

testConnector(
  await sandboxSubject(netsuite, 'netsuite', {
    countsCalls: false,
    customName: (object, name) => `${prefixes[object]}${name}`,
    objects,
    accountId: (ordinal) => `TSTDRV${ordinal}000`,
    furnish: (hand) => void hand.create('inventoryItem', { itemId: 'Widget', basePrice: 5 }),
    refer(hand, { remoteName }, id, { reference }, parentId) {
      const field = remoteName === 'salesOrder' ? 'entity' : reference
      hand.update(remoteName, id, { [field]: parentId === null ? null : { id: parentId } })
    },
    wordings: [
      {
        name: 'a token that is dead',
        answer: refusal(401, 'INVALID_LOGIN', 'Invalid login attempt.'),
        means: { action: 'refresh_credentials' },
      },
      {
        name: 'too many requests at once',
        answer: refusal(429, 'CONCURRENCY_LIMIT_EXCEEDED', 'Concurrent request limit exceeded. Request blocked.'),
        means: { action: 'retry', scope: 'account', afterMs: null },
      },
      {
        name: 'too many requests at once, as a bad request',
        answer: refusal(400, 'SSS_REQUEST_LIMIT_EXCEEDED', 'Concurrent request limit exceeded. Request blocked.'),
        means: { action: 'retry', scope: 'account' },
      },
      {
        name: 'too many requests at once, by its words only',
        answer: refusal(400, 'USER_ERROR', 'Concurrent request limit exceeded. Request blocked.'),
        means: { action: 'retry', scope: 'account' },
      },
      {
        name: 'a permission that is missing',
        answer: refusal(403, 'INSUFFICIENT_PERMISSION', 'You need the Lists -> Customers permission.'),
        means: { action: 'pause' },
      },
      {
        name: "somebody else's change at the same moment",
        answer: refusal(400, 'USER_ERROR', 'Record has been changed'),
        means: { action: 'retry', scope: 'call' },
      },
      {
        name: 'an unknown field',
        answer: refusal(400, 'INVALID_CONTENT', 'Unknown reference or field: nosuch.'),
        means: { action: 'park', code: 'invalid_content' },
      },
      {
        name: 'a record too large',
        answer: refusal(413, 'REQUEST_TOO_LARGE'),
        means: { action: 'split_batch' },
      },
      {
        name: 'a body without any field',
        answer: { status: 400, headers: {}, body: {} },
        means: { action: 'park', code: 'http_400' },
      },
    ],
  }),
)
