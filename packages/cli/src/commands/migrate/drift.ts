// `rowhouse migrate drift`.
import { checkDrift } from '@rowhouse/fleet'
import type { DriftReport } from '@rowhouse/fleet'
import { isLive, makeLiveLine } from '../../output/live-line.ts'
import { plural } from '../../output/plural.ts'
import { makePrinter } from '../../output/printer.ts'
import { catalogueUrl } from './arguments.ts'

const SHOWN_MAX = 20

export async function runDrift(options: { readonly json?: boolean }): Promise<void> {
  const json = options.json === true
  const live = !json && isLive(process.stderr, process.env) ? makeLiveLine(process.stderr) : null
  const report = await checkDrift({
    catalogueUrl: catalogueUrl(),
    onProgress: (done, of) => live?.show(`  ${done} of ${of} homes`),
  }).finally(() => live?.show(''))
  makePrinter(json).print(report, () => renderDrift(report))
  if (report.drifted.length > 0) process.exitCode = 1
  else if (report.unreachable.length > 0) process.exitCode = 3
}

export function renderDrift({ homes, behind, drifted, unreachable, target }: DriftReport): string {
  const lines = [
    `${plural(homes, 'home')}: ${drifted.length} drifted, ${unreachable.length} could not be looked at${behind === 0 ? '' : `, ${behind} lack ${target}`}.`,
  ]
  for (const { name, version, localVersion, differences, more } of drifted) {
    lines.push('', name)
    if (version !== localVersion)
      lines.push(`  the ledger says ${version ?? 'none'}, the home ${localVersion ?? 'none'}`)
    for (const { kind, line } of differences.slice(0, SHOWN_MAX))
      lines.push(`  ${kind === 'missing' ? '-' : '+'} ${line}`)
    const left = more + Math.max(0, differences.length - SHOWN_MAX)
    if (left > 0) lines.push(`  and ${left} more: --json`)
  }
  for (const { name, reason } of unreachable) lines.push('', `${name}: ${reason}`)
  return `${lines.join('\n')}\n`
}
