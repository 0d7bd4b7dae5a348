// One Postgres for a test run, and one template database with Rowhouse installed that every test file clones.
// ROWHOUSE_TEST_URL names an existing server's superuser instead; ROWHOUSE_TEST_KEEP=1 leaves the data for a look.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { install } from '@rowhouse/database'
import { startPostgres } from '@rowhouse/embedded'
import { Client, escapeLiteral } from 'pg'
import type { TestProject } from 'vitest/node'

import { testSigningKey } from './signing-key.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    adminUrl: string
    templateName: string
    /** Postgres's own log; empty for a server that was given. */
    serverLog: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startServer()
  // By project too: where one server is given they all make theirs on it.
  const templateName = `rowhouse_template_${process.pid}_${project.name.replaceAll(/\W/g, '_')}`
  const templateUrl = new URL(server.adminUrl)
  templateUrl.pathname = `/${templateName}`
  await run(server.adminUrl, [
    `drop database if exists ${templateName} with (force)`,
    `create database ${templateName}`,
  ])
  await install({ adminUrl: templateUrl.href, signingKey: testSigningKey, resetLogins: true })
  project.provide('adminUrl', server.adminUrl)
  project.provide('templateName', templateName)
  project.provide('serverLog', server.logFile)
  return async () => {
    await run(server.adminUrl, [`drop database if exists ${templateName} with (force)`])
    await server.stop()
  }
}

async function startServer(): Promise<{ adminUrl: string; logFile: string; stop(): Promise<void> }> {
  const given = process.env['ROWHOUSE_TEST_URL']
  if (given !== undefined && given !== '') return { adminUrl: given, logFile: '', stop: () => Promise.resolve() }
  const dataDir = await mkdtemp(join(tmpdir(), 'rowhouse-test-'))
  const server = await startPostgres({ dataDir, durable: false })
  // Autovacuum is on and comes in weeks: what statistics say is what a test has them say, and who holds a lock or a snapshot
  // is a test.
  await run(server.adminUrl, [`alter system set autovacuum_naptime = '24 d'`, 'select pg_reload_conf()'])
  // Whoever knows the password shows it thousands of times, and each time derives its key anew.
  const password = decodeURIComponent(new URL(server.adminUrl).password)
  await run(server.adminUrl, [
    'set scram_iterations = 1',
    `alter role current_user password ${escapeLiteral(password)}`,
  ])
  return {
    adminUrl: server.adminUrl,
    logFile: server.logFile,
    stop: async () => {
      await server.stop()
      if (process.env['ROWHOUSE_TEST_KEEP'] === '1') process.stderr.write(`Kept the data in ${dataDir}\n`)
      else await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function run(url: string, statements: string[]): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}
