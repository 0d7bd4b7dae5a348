// What Template brings to its certification: a simulated provider over real HTTP, and what a record of each object
// looks like. For tests only.
import type { ConformanceObject, ConformanceSubject } from '../src/kit/conformance/subject.ts'
import { template } from './index.ts'

const objects: readonly ConformanceObject[] = [
  {
    object: 'contact',
    remoteName: 'contacts',
    record: (number) => ({ email: `person-${number}@example.com`, lastName: `Person ${number}` }),
    text: 'firstName',
    refused: { email: 'no address' },
    found: { field: 'email', kept: 'ann@example.com', written: 'Ann@Example.com' },
    references: [],
    customFields: false,
    tokens: false,
    merges: false,
    restores: false,
  },
]

/** Written by hand: what has to be started, and what is to be said of it. */
const unstarted =
  'test-provider.ts, open: start a simulated provider, and give an account of it with two people and an app'

export const subject: ConformanceSubject = {
  connector: template,
  objects,
  customName: (_object, name) => name,
  open: () => Promise.reject(new Error(unstarted)),
  advance: () => undefined,
  close: () => Promise.resolve(),
  countsCalls: false,
  wordings: [
    {
      name: 'an expired token',
      answer: { status: 401, headers: {}, body: { message: 'expired' } },
      means: { action: 'refresh_credentials' },
    },
    {
      name: 'a missing scope',
      answer: { status: 403, headers: {}, body: { message: 'not allowed' } },
      means: { action: 'pause' },
    },
    {
      name: 'the limit',
      answer: { status: 429, headers: { 'retry-after': '3' }, body: {} },
      means: { action: 'retry', scope: 'account', afterMs: 3000 },
    },
  ],
}
