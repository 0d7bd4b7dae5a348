// HubSpot passes the suite that every connector passes.
import { testConnector } from '../kit/conformance.ts'
import type { ConformanceObject, ConformanceReference } from '../kit/conformance/subject.ts'
import { sandboxSubject } from '../kit/test-subject.ts'
import { hubspot } from './index.ts'

const refusal = (status: number, body: Readonly<Record<string, unknown>>, headers = {}) => ({
  status,
  headers,
  body: { status: 'error', correlationId: '00000000-0000-0000-0000-000000000000', ...body },
})

const plural: Readonly<Record<string, string>> = { company: 'companies', contact: 'contacts', deal: 'deals' }
/** What the person associated last. */
const parents = new Map<string, string>()

const common = { customFields: true, tokens: true, merges: true, restores: true, found: null, references: [] } as const
const to = (object: string): ConformanceReference => ({ reference: object, object, required: false })

const objects: readonly ConformanceObject[] = [
  {
    ...common,
    object: 'company',
    remoteName: 'companies',
    record: (number) => ({ name: `Company ${number}`, numberofemployees: String(number) }),
    text: 'description',
    refused: { numberofemployees: 'many' },
    found: { field: 'domain', kept: 'globex.com', written: 'https://www.Globex.com/' },
  },
  {
    ...common,
    object: 'contact',
    remoteName: 'contacts',
    record: (number) => ({ email: `person-${number}@example.com`, lastname: `Person ${number}` }),
    text: 'firstname',
    refused: { email: 'no address' },
    found: { field: 'email', kept: "o'neil+a&b@example.com", written: "O'Neil+a&b@Example.com" },
    references: [to('company')],
  },
  {
    ...common,
    object: 'deal',
    remoteName: 'deals',
    record: (number) => ({
      dealname: `Deal ${number}`,
      amount: `${number}.5`,
      closedate: '2026-03-29',
      dealstage: 'contractsent',
      pipeline: 'default',
    }),
    text: 'description',
    refused: { dealstage: 'nowhere' },
    references: [to('company'), to('contact')],
  },
  {
    ...common,
    object: 'note',
    remoteName: 'notes',
    record: (number) => ({ hs_timestamp: new Date(1_770_000_000_000 + number * 1000).toISOString() }),
    text: 'hs_note_body',
    refused: { hs_timestamp: 'soon' },
    references: [to('company'), to('contact'), to('deal')],
    merges: false,
  },
  {
    ...common,
    object: 'task',
    remoteName: 'tasks',
    record: (number) => ({
      hs_task_subject: `Task ${number}`,
      hs_timestamp: '2026-10-25',
      hs_task_status: 'NOT_STARTED',
    }),
    text: 'hs_task_body',
    refused: { hs_task_status: 'NEVER' },
    references: [to('company'), to('contact'), to('deal')],
    merges: false,
  },
  {
    ...common,
    object: '2-1',
    remoteName: 'machine',
    made: { name: 'machine', label: 'Machine', fields: [{ name: 'remark', type: 'text' }] },
    record: () => ({}),
    text: 'remark',
    refused: { weight: 'heavy' },
    references: [to('company'), to('deal')],
  },
]

testConnector(
  await sandboxSubject(hubspot, 'hubspot', {
    countsCalls: true,
    customName: (_, name) => name,
    objects,
    refer(hand, { remoteName }, id, { object }, parentId) {
      const withObject = plural[object]!
      const before = parents.get(`${remoteName} ${id} ${object}`)
      // A person removes one association and adds another; a company that is added becomes the primary one.
      if (before !== undefined) hand.associate!(remoteName, id, withObject, before, true)
      if (parentId !== null) hand.associate!(remoteName, id, withObject, parentId)
      if (parentId === null) parents.delete(`${remoteName} ${id} ${object}`)
      else parents.set(`${remoteName} ${id} ${object}`, parentId)
    },
    wordings: [
      {
        name: 'an expired token',
        answer: refusal(401, { category: 'EXPIRED_AUTHENTICATION', message: 'The OAuth token expired.' }),
        means: { action: 'refresh_credentials' },
      },
      {
        name: 'a missing scope',
        answer: refusal(403, { category: 'MISSING_SCOPES', message: 'This app has not been granted the scopes.' }),
        means: { action: 'pause' },
      },
      {
        name: 'the limit of a second',
        answer: refusal(429, { category: 'RATE_LIMITS', message: 'You have reached your secondly limit.' }),
        means: { action: 'retry', scope: 'account', afterMs: 1000 },
      },
      {
        name: 'the limit of ten seconds',
        answer: refusal(429, { category: 'RATE_LIMITS', policyName: 'TEN_SECONDLY_ROLLING' }),
        means: { action: 'retry', scope: 'account', afterMs: null },
      },
      {
        name: 'the limit of the day',
        answer: refusal(429, {
          errorType: 'RATE_LIMIT',
          policyName: 'DAILY',
          message: 'You have reached your daily limit.',
        }),
        means: { action: 'retry', scope: 'account', afterMs: 900_000 },
      },
      {
        name: 'a limit with Retry-After',
        answer: refusal(429, { category: 'RATE_LIMITS', policyName: 'DAILY' }, { 'retry-after': '12' }),
        means: { action: 'retry', scope: 'account', afterMs: 12_000 },
      },
      { name: 'a locked record', answer: refusal(423, {}), means: { action: 'retry', afterMs: 2000, scope: 'call' } },
      {
        name: 'an account that moves',
        answer: refusal(477, {}, { 'retry-after': '60' }),
        means: { action: 'retry', scope: 'account', afterMs: 60_000 },
      },
      {
        name: 'an invalid value',
        answer: refusal(400, { category: 'VALIDATION_ERROR', message: 'Property values were not valid' }),
        means: { action: 'park', code: 'validation_error' },
      },
      { name: 'a batch too large', answer: refusal(413, {}), means: { action: 'split_batch' } },
      {
        name: 'a body without any field',
        answer: { status: 400, headers: {}, body: {} },
        means: { action: 'park', code: 'http_400' },
      },
    ],
  }),
)
