// `rowhouse migrate up`.
import { homeConnection, nameOfHome, readMigrations, rollOut } from '@rowhouse/fleet'
import type { Destruction } from '@rowhouse/fleet'
import { judgeChange, judgeHomes } from '@rowhouse/verify'
import { onEndRequest } from '../../end-request.ts'
import { ask, canAsk } from '../../output/ask.ts'
import { renderDuration } from '../../output/moment.ts'
import { plural } from '../../output/plural.ts'
import { makePrinter } from '../../output/printer.ts'
import { catalogueUrl, readPaceOptions } from './arguments.ts'
import type { PacedOptions } from './arguments.ts'
import { migrationFolder } from './folder.ts'
import { makeRolloutProgress } from './progress.ts'

export interface UpOptions extends PacedOptions {
  readonly yes?: boolean
}

export async function runUp(options: UpOptions): Promise<void> {
  const json = options.json === true
  const url = catalogueUrl()
  const migrations = await readMigrations(migrationFolder(options.dir))
  const stop = new AbortController()
  const progress = makeRolloutProgress({ json, output: process.stdout, environment: process.env })
  const off = onEndRequest((isAgain) => {
    progress.leave()
    if (isAgain) process.exit(1)
    process.stderr.write('Stopping after these homes; once more stops at once, and is as safe.\n')
    stop.abort()
  })
  try {
    const result = await rollOut({
      catalogueUrl: url,
      migrations,
      pace: readPaceOptions(options),
      signal: stop.signal,
      verify: (homes) => judgeHomes(homes, { connection: (home) => homeConnection(url, home), nameOf: nameOfHome }),
      judge: judgeChange,
      onEvent: progress.report,
      confirm: ({ destroys, homes }) => (options.yes === true ? Promise.resolve(true) : confirm(destroys, homes, json)),
    })
    progress.leave()
    makePrinter(json).print({ type: 'result', ...result }, () =>
      result.state === 'nothing'
        ? result.target === null
          ? 'The folder holds no migration: rowhouse migrate new\n'
          : `Nothing to do: every home has ${result.target}.\n`
        : `Done: ${plural(result.homes, 'home')} ${result.homes === 1 ? 'has' : 'have'} ${result.target}, after ${renderDuration(result.tookMs)}.\n`,
    )
  } finally {
    progress.leave()
    off()
  }
}

function confirm(destroys: readonly Destruction[], homes: number, json: boolean): Promise<boolean> {
  if (json || !canAsk()) return Promise.resolve(false)
  const what = destroys.map(({ file, line, message, reason }) => `  ${file}:${line} ${message}\n    because ${reason}`)
  return ask(`\nIn ${plural(homes, 'home')}, for good:\n${what.join('\n')}\nIt cannot be undone. Go on?`)
}
