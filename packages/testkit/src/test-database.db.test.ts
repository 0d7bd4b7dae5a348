import { Client } from 'pg'
import { expect, it } from 'vitest'

import { createTestDatabase, withClient } from './test-database.ts'

it('a test database has an id of its own, and is gone after drop', async () => {
  const [one, two] = [await createTestDatabase(), await createTestDatabase()]
  expect(one.databaseId).not.toBe(two.databaseId)
  await one.drop()
  await two.drop()
  await expect(withClient(one.appUrl, (client) => client.query('select 1'))).rejects.toMatchObject({ code: '3D000' })
})

it('dropping fails when a connection was left open, and drops all the same', async () => {
  const database = await createTestDatabase()
  const leak = new Client({ connectionString: database.appUrl, application_name: 'leaky' })
  leak.on('error', () => {})
  await leak.connect()
  await expect(database.drop(100)).rejects.toThrow('1 connections were left open: rowhouse_app leaky')
  await expect(withClient(database.appUrl, (client) => client.query('select 1'))).rejects.toMatchObject({
    code: '3D000',
  })
})
