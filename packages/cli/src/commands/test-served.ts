// A server over a test's database, and commands that ask it as its operator: how most tests of commands begin.
import { startServer } from '@rowhouse/server'
import type { RunningServer, ServerConfig, ServerOptions } from '@rowhouse/server'
import { afterAll, beforeAll } from 'vitest'

import { runCommand, runHere } from './test-command.ts'
import type { Ended } from './test-command.ts'

const operatorKey = 'operator-key-of-the-tests-0123456789'
const encryptionKeyOfTests = 'encryption-key-of-the-tests-0123456789'

export interface Catalogue {
  readonly adminUrl: string
  readonly signingKey: string
  /** @default the one of the tests */
  readonly encryptionKey?: string
}

/** On a free port, and without an identity provider. */
const configOf = ({ adminUrl, signingKey, encryptionKey = encryptionKeyOfTests }: Catalogue): ServerConfig => ({
  url: adminUrl,
  signingKey,
  encryptionKey,
  operatorKey,
  port: 0,
  host: '127.0.0.1',
  publicUrl: null,
  issuer: null,
  trustedProxies: [],
})

export interface Served {
  /** Its address. */
  readonly url: () => string
  /** What tells a command where it is and who asks. */
  readonly environment: () => Record<string, string>
  /** A command in this process. */
  readonly rowhouse: (...words: string[]) => Promise<Ended>
  /** A command in a process of its own. */
  readonly asProcess: (...words: string[]) => Promise<Ended>
}

/**
 * One for the whole file, there inside hooks that are registered later, and tests. It says nothing.
 *
 * @param environment what commands are told beside it
 */
export function useServed(
  catalogue: () => Catalogue,
  {
    options = () => ({}),
    environment: more = () => ({}),
  }: {
    readonly options?: () => ServerOptions
    readonly environment?: () => Record<string, string>
  } = {},
): Served {
  let server: RunningServer | undefined
  beforeAll(async () => {
    server = await startServer(configOf(catalogue()), { log: () => undefined, ...options() })
  })
  afterAll(() => server?.stop())
  const url = (): string => {
    if (server === undefined) throw new Error('The server is there inside hooks and tests only.')
    return server.url
  }
  const environment = (): Record<string, string> => ({
    ROWHOUSE_PUBLIC_URL: url(),
    ROWHOUSE_OPERATOR_KEY: operatorKey,
    ...more(),
  })
  return {
    url,
    environment,
    rowhouse: (...words) => runHere(words, { env: environment() }),
    asProcess: (...words) => runCommand(words, { env: environment() }),
  }
}
