// npm run soak -- NAME [options]
// Runs that are too long for `npm test`. Exit code 0: what was promised held; 1: it did not; 2: usage; 3: a program that it
// needs is not on this machine.
import { runDynamic } from './run-dynamic.ts'
import { runKills } from './run-kills.ts'
import { runMutants } from './run-mutants.ts'
import { runPooler } from './run-pooler.ts'
import { runShapes } from './run-shapes.ts'
import { runVerify } from './run-verify.ts'
import { runVersions } from './run-versions.ts'

interface Soak {
  readonly options: string
  readonly does: string
  run(args: readonly string[]): Promise<number>
}

const soaks: Readonly<Record<string, Soak>> = {
  pooler: {
    options: '[--operations N] [--clients N] [--organizations N] [--json]',
    does: 'a million operations of 200 organizations through a real PgBouncer',
    run: runPooler,
  },
  verify: {
    options: '[--seeds N] [--write] [--json]',
    does: 'attacks on what protect makes, planted and ordered anew from 20 seeds',
    run: runVerify,
  },
  mutants: {
    options: '[--write]',
    does: 'everything that holds isolation taken away, one at a time; compares docs/mutants.md',
    run: runMutants,
  },
  versions: {
    options: '[--major N]… [--quick] [--write] [--json]',
    does: 'install, isolation, rules and attacks on Postgres 15, 16, 17 and 18 from npm',
    run: runVersions,
  },
  shapes: {
    options: '[--write]',
    does: 'the shapes of fifteen public schemas attacked: exactly what is explained is found',
    run: runShapes,
  },
  kills: {
    options: '',
    does: 'a sync worker killed before and after each of its writes; what it was about is done once',
    run: runKills,
  },
  dynamic: {
    options: '[--write]',
    does: 'every rule switched off in turn: attack alone finds what the rule’s schema opens',
    run: runDynamic,
  },
}

async function main([name = '', ...args]: readonly string[]): Promise<number> {
  const soak = Object.hasOwn(soaks, name) ? soaks[name] : undefined
  if (soak === undefined) {
    console.error('Usage: npm run soak -- NAME\n')
    for (const [known, { options, does }] of Object.entries(soaks))
      console.error(`  ${known} ${options}\n      ${does}`)
    return 2
  }
  try {
    return await soak.run(args)
  } catch (error) {
    if (!String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS')) throw error
    console.error(`${(error as Error).message}\nUsage: npm run soak -- ${name} ${soak.options}`)
    return 2
  }
}

process.exitCode = await main(process.argv.slice(2))
