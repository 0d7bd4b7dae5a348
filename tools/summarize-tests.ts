// What a test run came to, in the one line that .ci/run ends with: from the runner's own JSON report, and from how the runner
// ended. A file that did not load, a hook that failed and a runner that broke have no failed test, and count as one each.
// Run by `node tools/summarize-tests.ts <report> <exit code>`.
import { readFileSync } from 'node:fs'

interface Report {
  readonly numPassedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly {
    readonly status: string
    readonly assertionResults: readonly { readonly status: string }[]
  }[]
}

/** @param text the report; whatever is none counts as one that failed, as does an exit code that no failure explains */
export function summarizeTests(text: string, exitCode: number): string {
  const report = readReport(text)
  const [passed, skipped] = [report?.numPassedTests ?? 0, (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0)]
  const failed = (report?.testResults ?? []).reduce((sum, { status, assertionResults }) => {
    const tests = assertionResults.filter((test) => test.status === 'failed').length
    return sum + (status === 'failed' ? Math.max(1, tests) : tests)
  }, 0)
  const isBroken = report === null || exitCode !== 0 || passed === 0
  return `tests: ${passed} passed, ${isBroken ? Math.max(1, failed) : failed} failed, ${skipped} skipped`
}

function readReport(text: string): Report | null {
  try {
    const report = JSON.parse(text) as Report
    return Array.isArray(report.testResults) ? report : null
  } catch {
    return null
  }
}

if (import.meta.main) {
  const [file = '', exitCode = '1'] = process.argv.slice(2)
  let text = ''
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    // A runner that broke before its report.
  }
  process.stdout.write(`${summarizeTests(text, Number(exitCode))}\n`)
}
