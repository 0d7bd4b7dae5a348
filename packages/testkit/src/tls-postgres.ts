// A Postgres of its own that speaks TLS itself, and to nobody without: `hostssl` alone, a certificate for localhost of an
// authority that nobody trusts by default.
import { chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@rowhouse/embedded'
import { Client } from 'pg'

import { withClient } from './test-database.ts'
import { AUTHORITY, certificates } from './tls-proxy.ts'

export interface TlsPostgres {
  /** Superuser, database `postgres`, at localhost, without a word on encryption. */
  readonly adminUrl: string
  /** PEM of the authority that signed its certificate, and a file with it. */
  readonly authority: string
  readonly authorityFile: string
  /** PEM of a certificate that signed nothing here, and a file with it. */
  readonly stranger: string
  readonly strangerFile: string
  stop(): Promise<void>
}

export async function startTlsPostgres(): Promise<TlsPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'rowhouse-tls-'))
  const server = await startPostgres({ dataDir: join(folder, 'data'), durable: false })
  const [authorityFile, strangerFile] = [join(folder, 'authority.pem'), join(folder, 'stranger.pem')]
  await writeFile(authorityFile, AUTHORITY)
  await writeFile(strangerFile, certificates.selfSigned.cert)
  const { data, hba } = await withClient(server.adminUrl, async (admin) => {
    const { rows } = await admin.query<{ data: string; hba: string }>(
      `select current_setting('data_directory') as data, current_setting('hba_file') as hba`,
    )
    return rows[0] as { data: string; hba: string }
  })
  const { uid, gid } = await stat(data)
  for (const part of ['cert', 'key'] as const) {
    const file = join(data, `server-${part}.pem`)
    await writeFile(file, certificates.here[part], { mode: 0o600 })
    await chown(file, uid, gid)
  }
  await withClient(server.adminUrl, async (admin) => {
    await admin.query(`alter system set ssl_cert_file = 'server-cert.pem'`)
    await admin.query(`alter system set ssl_key_file = 'server-key.pem'`)
    await admin.query('alter system set ssl = on')
    await writeFile(hba, (await readFile(hba, 'utf8')).replaceAll(/^host(?=\s)/gm, 'hostssl'))
    await admin.query('select pg_reload_conf()')
  })
  const url = new URL(server.adminUrl)
  url.hostname = 'localhost'
  await untilEncrypted(url.href)
  return {
    adminUrl: url.href,
    authority: AUTHORITY,
    authorityFile,
    stranger: certificates.selfSigned.cert,
    strangerFile,
    stop: async () => {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The server reads its files anew when it gets to it. */
async function untilEncrypted(url: string): Promise<void> {
  for (let turn = 0; turn < 200; turn += 1) {
    const client = new Client({ connectionString: url, ssl: { ca: AUTHORITY } })
    client.on('error', () => {})
    try {
      await client.connect()
      const plain = new Client({ connectionString: url })
      plain.on('error', () => {})
      const isPlain = await plain.connect().then(
        () => true,
        () => false,
      )
      await plain.end().catch(() => undefined)
      if (!isPlain) return
    } catch {
      // Not yet.
    } finally {
      await client.end().catch(() => undefined)
    }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('The server does not speak TLS.')
}
