// HubSpot passes the suite that every connector passes.
import { testConnector } from '../kit/conformance.ts'
import { sandboxSubject } from '../kit/test-subject.ts'
import { hubspot } from './index.ts'

const refusal = (status: number, body: Readonly<Record<string, unknown>>, headers = {}) => ({
  status,
  headers,
  body: { status: 'error', correlationId: '00000000-0000-0000-0000-000000000000', ...body },
})

testConnector(
  await sandboxSubject(hubspot, 'hubspot', [
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
  ]),
)
