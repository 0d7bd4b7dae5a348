// Salesforce passes the suite that every connector passes.
import { testConnector } from '../kit/conformance.ts'
import { sandboxSubject } from '../kit/test-subject.ts'
import { salesforce } from './index.ts'

const refusal = (status: number, errorCode: string, message = 'as it says') => ({
  status,
  headers: {},
  body: [{ errorCode, message }],
})

testConnector(
  await sandboxSubject(salesforce, 'salesforce', [
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
    { name: 'a batch too large', answer: refusal(400, 'EXCEEDED_MAX_SIZE_REQUEST'), means: { action: 'split_batch' } },
    {
      name: 'a body without any field',
      answer: { status: 400, headers: {}, body: {} },
      means: { action: 'park', code: 'http_400' },
    },
  ]),
)
