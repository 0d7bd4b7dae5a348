// Salesforce passes the suite that every connector passes.
import { testConnector } from '../kit/conformance.ts'
import type { ConformanceObject, ConformanceReference } from '../kit/conformance/subject.ts'
import { sandboxSubject } from '../kit/test-subject.ts'
import { salesforce } from './index.ts'

const refusal = (status: number, errorCode: string, message = 'as it says') => ({
  status,
  headers: {},
  body: [{ errorCode, message }],
})

/** Where a person finds each reference. */
const fields: Readonly<Record<string, string>> = {
  'Contact.company': 'AccountId',
  'Opportunity.company': 'AccountId',
  'Task.company': 'WhatId',
  'Task.deal': 'WhatId',
  'Task.contact': 'WhoId',
}

const common = { customFields: true, tokens: true, merges: false, restores: true, found: null, references: [] } as const
const to = (object: string, more: Partial<ConformanceReference> = {}): ConformanceReference => ({
  reference: object,
  object,
  required: false,
  ...more,
})

const objects: readonly ConformanceObject[] = [
  {
    ...common,
    object: 'company',
    remoteName: 'Account',
    record: (number) => ({ Name: `Account ${number}`, NumberOfEmployees: String(number) }),
    text: 'Description',
    refused: { NumberOfEmployees: 'many' },
    found: { field: 'Website', kept: 'globex.com', written: 'https://www.Globex.com/' },
    merges: true,
  },
  {
    ...common,
    object: 'contact',
    remoteName: 'Contact',
    record: (number) => ({ Email: `person-${number}@example.com`, LastName: `Person ${number}` }),
    text: 'FirstName',
    refused: { Email: 'no address' },
    found: { field: 'Email', kept: "o'neil+a&b@example.com", written: "O'Neil+a&b@Example.com" },
    references: [to('company')],
    merges: true,
  },
  {
    ...common,
    object: 'deal',
    remoteName: 'Opportunity',
    record: (number) => ({
      Name: `Opportunity ${number}`,
      Amount: `${number}.5`,
      CloseDate: '2026-03-29',
      StageName: 'Prospecting',
    }),
    text: 'NextStep',
    refused: { CloseDate: 'soon' },
    references: [to('company')],
  },
  {
    ...common,
    object: 'note',
    remoteName: 'Note',
    record: (number) => ({ Title: `Note ${number}` }),
    text: 'Body',
    refused: { Title: 'x'.repeat(81) },
    found: { field: 'Title', kept: 'Said on the phone', written: ' Said on the phone ' },
    references: [
      to('company', { required: true, fixed: true }),
      to('contact', { fixed: true }),
      to('deal', { fixed: true }),
    ],
    customFields: false,
    tokens: false,
  },
  {
    ...common,
    object: 'task',
    remoteName: 'Task',
    record: (number) => ({ Subject: `Task ${number}`, ActivityDate: '2026-10-25', Status: 'Not Started' }),
    text: 'Description',
    refused: { ActivityDate: 'soon' },
    references: [to('company'), to('contact'), to('deal')],
  },
  {
    ...common,
    object: 'Machine__c',
    remoteName: 'Machine__c',
    made: {
      name: 'Machine',
      label: 'Machine',
      fields: [
        { name: 'Remark__c', type: 'text' },
        { name: 'Account__c', type: 'reference', referenceTo: 'Account' },
        { name: 'Opportunity__c', type: 'reference', referenceTo: 'Opportunity' },
      ],
    },
    record: (number) => ({ Name: `Machine ${number}` }),
    text: 'Remark__c',
    refused: { Weight__c: 'heavy' },
    references: [
      { reference: 'Account__c', object: 'company', required: false },
      { reference: 'Opportunity__c', object: 'deal', required: false },
    ],
  },
]

testConnector(
  await sandboxSubject(salesforce, 'salesforce', {
    countsCalls: true,
    customName: (_, name) => `${name.charAt(0).toUpperCase()}${name.slice(1)}__c`,
    objects,
    refer: (hand, { remoteName }, id, { reference }, parentId) =>
      hand.update(remoteName, id, { [fields[`${remoteName}.${reference}`] ?? reference]: parentId }),
    wordings: [
      {
        name: 'an expired session',
        answer: refusal(401, 'INVALID_SESSION_ID', 'Session expired or invalid'),
        means: { action: 'refresh_credentials' },
      },
      {
        name: 'the limit of the day',
        answer: refusal(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'),
        means: { action: 'retry', scope: 'account', afterMs: 900_000 },
      },
      {
        name: 'too many long requests',
        answer: refusal(403, 'REQUEST_LIMIT_EXCEEDED', 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.'),
        means: { action: 'retry', scope: 'account', afterMs: null },
      },
      {
        name: 'an expired session with another status',
        answer: refusal(403, 'INVALID_SESSION_ID'),
        means: { action: 'refresh_credentials' },
      },
      { name: 'no access to the API', answer: refusal(403, 'API_DISABLED_FOR_ORG'), means: { action: 'pause' } },
      { name: 'no access', answer: refusal(403, 'INSUFFICIENT_ACCESS'), means: { action: 'pause' } },
      { name: 'a locked row', answer: refusal(400, 'UNABLE_TO_LOCK_ROW'), means: { action: 'retry', scope: 'call' } },
      { name: 'a dead cursor', answer: refusal(400, 'INVALID_QUERY_LOCATOR'), means: { action: 'resync' } },
      { name: 'a window too old', answer: refusal(400, 'INVALID_REPLICATION_DATE'), means: { action: 'resync' } },
      {
        name: 'an unknown field',
        answer: refusal(400, 'INVALID_FIELD'),
        means: { action: 'park', code: 'invalid_field' },
      },
      {
        name: 'a batch too large',
        answer: refusal(400, 'EXCEEDED_MAX_SIZE_REQUEST'),
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
