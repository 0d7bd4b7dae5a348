// What every connector must do, run against a simulated provider over real HTTP. For tests only: not
// exported from the package. A connector is certified when a test file beside it calls this and passes:
// every object of its description, and one custom object, answers the same questions.
// The questions are in conformance/, a file a topic; what a connector brings is conformance/subject.ts.
import { afterAll, describe } from 'vitest'
import { testAccount } from './conformance/account.ts'
import { testDiscovery } from './conformance/discovery.ts'
import { testFailures, testWordings } from './conformance/failures.ts'
import { testPolling } from './conformance/polling.ts'
import { testReading } from './conformance/reading.ts'
import { testReferences } from './conformance/references.ts'
import type { ConformanceSubject } from './conformance/subject.ts'
import { testValues } from './conformance/values.ts'
import { testWriting } from './conformance/writing.ts'

/** Each test makes some dozens of calls; a busy machine is no reason to fail. */
const timeout = 60_000

/** Registers the suite. @example testConnector(await sandboxSubject(hubspot, { … })) */
export function testConnector(subject: ConformanceSubject): void {
  afterAll(() => subject.close())
  testAccount(subject)
  testWordings(subject)
  describe.each(subject.objects.map((spec) => [spec.object, spec] as const))('%s', { timeout }, (_, spec) => {
    testDiscovery(subject, spec)
    testReading(subject, spec)
    testPolling(subject, spec)
    testWriting(subject, spec)
    testValues(subject, spec)
    testReferences(subject, spec)
    testFailures(subject, spec)
  })
}
