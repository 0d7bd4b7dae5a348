// `rowhouse migrate status`.
import { readFleetStatus } from '@rowhouse/fleet'
import type { FleetStatus } from '@rowhouse/fleet'
import { renderAgo } from '../../output/moment.ts'
import { plural } from '../../output/plural.ts'
import { makePrinter } from '../../output/printer.ts'
import { renderTable } from '../../output/table.ts'
import { catalogueUrl } from './arguments.ts'

export async function runStatus(options: { readonly json?: boolean }): Promise<void> {
  const status = await readFleetStatus(catalogueUrl())
  makePrinter(options.json === true).print(status, () => renderStatus(status, Date.now()))
  if (status.behind > 0 || status.open.length > 0) process.exitCode = 1
}

export function renderStatus({ target, versions, behind, rollout, open }: FleetStatus, nowMs: number): string {
  const homes = versions.reduce((sum, version) => sum + version.homes, 0)
  const lines = [
    target === null
      ? `${plural(homes, 'home')}, and no migration was rolled out yet.`
      : behind === 0
        ? `${homes === 1 ? 'The one home has' : `All ${homes} homes have`} ${target}.`
        : `${behind} of ${plural(homes, 'home')} ${behind === 1 ? 'lacks' : 'lack'} ${target}.`,
    '',
    renderTable(
      ['version', 'homes'],
      versions.map(({ version, homes }) => [version ?? 'none', String(homes)]),
    ).trimEnd(),
  ]
  if (rollout !== null) {
    const { done, failed, blocked, total } = rollout.homes
    lines.push(
      '',
      `Rollout ${rollout.id} to ${rollout.target}: ${rollout.state}, by ${rollout.startedBy}, begun ${renderAgo(rollout.startedAt, nowMs)}`,
      `  ${done} of ${total} homes done, ${failed} failed, ${blocked} blocked${rollout.wave === null ? '' : `, wave ${rollout.wave}`}`,
    )
    if (rollout.message !== null) lines.push(`  [${rollout.code}] ${rollout.message}`)
  }
  if (open.length > 0) {
    lines.push(
      '',
      renderTable(
        ['home', 'organization', 'state', 'at', 'why'],
        open.map((home) => [
          home.databaseName === null || home.schemaName !== 'public' ? home.schemaName : home.databaseName,
          home.slug ?? '-',
          home.state,
          home.version === null ? '-' : `${home.version}${home.line === null ? '' : `:${home.line}`}`,
          `[${home.code}] ${home.message}`,
        ]),
      ).trimEnd(),
    )
  }
  return `${lines.join('\n')}\n`
}
