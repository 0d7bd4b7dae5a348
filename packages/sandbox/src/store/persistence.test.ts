// What a data file keeps: everything that was answered, across a restart and across kill -9.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from '@hubspot/api-client'
import jsforce from 'jsforce'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startSandbox } from '../sandbox.ts'
import type { CreatedAccount } from '../control/simulated-crm.ts'
import { Store } from './store.ts'

let folder: string
let dataFile: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-'))
  dataFile = join(folder, 'deep', 'sandbox.db')
})
afterEach(() => rm(folder, { recursive: true }))

const client = ({ url, accessToken }: Pick<CreatedAccount, 'url' | 'accessToken'>): Client =>
  new Client({ basePath: url, accessToken })

it('keeps records, associations, properties, tokens, chaos and sequences across a restart', async () => {
  const first = await startSandbox({ dataFile })
  const portal = first.createAccount({ connector: 'hubspot', id: '4242' })
  const organization = first.createAccount({ connector: 'salesforce', id: '00Dxx0000001gPL' })
  const { crm } = client(portal)
  const property = {
    name: 'ext',
    label: 'Ext',
    type: 'string',
    fieldType: 'text',
    groupName: 'contactinformation',
    hasUniqueValue: true,
  }
  await crm.properties.coreApi.create('contacts', property as never)
  const contact = await crm.contacts.basicApi.create({ properties: { email: 'a@b.example', ext: '1' } })
  const company = await crm.companies.basicApi.create({ properties: { name: 'C' } })
  await crm.associations.v4.basicApi.createDefault('contacts', contact.id, 'companies', company.id)
  const connection = new jsforce.Connection({ instanceUrl: first.url, accessToken: organization.accessToken })
  await connection.sobject('Account').upsert({ External_Id__c: 'x', Name: 'A' }, 'External_Id__c')
  await first.close()

  const second = await startSandbox({ dataFile })
  const again = second.createAccount({ connector: 'hubspot', id: '4242' })
  expect(again.accessToken).toBe(portal.accessToken)
  const restarted = client(again).crm
  const read = await restarted.contacts.basicApi.getById('1', undefined, undefined, ['companies'], false, 'ext')
  expect(read).toMatchObject({
    id: contact.id,
    associations: { companies: { results: [{ id: company.id }, { id: company.id }] } },
  })
  await expect(restarted.contacts.basicApi.create({ properties: { email: 'a@b.example' } })).rejects.toMatchObject({
    code: 409,
  })
  const next = await restarted.contacts.basicApi.create({ properties: { email: 'c@d.example' } })
  expect(Number(next.id)).toBe(Number(contact.id) + 1)
  const reconnected = new jsforce.Connection({ instanceUrl: second.url, accessToken: organization.accessToken })
  const upserted = await reconnected.sobject('Account').upsert({ External_Id__c: 'X', Name: 'B' }, 'External_Id__c')
  expect(upserted).toMatchObject({ created: false })
  await second.close()
})

it('keeps every answered request when the process is killed', async () => {
  const program = `
    import { startSandbox } from ${JSON.stringify(new URL('../index.ts', import.meta.url).href)}
    const sandbox = await startSandbox({ dataFile: ${JSON.stringify(dataFile)} })
    const { url, accessToken } = sandbox.createAccount({ connector: 'hubspot', id: '1' })
    console.log(JSON.stringify({ url, accessToken }))`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { contacts } = client(JSON.parse(line) as CreatedAccount).crm
  const answered: string[] = []
  for (let batch = 0; batch < 5; batch++) {
    const inputs = Array.from({ length: 20 }, (_, index) => ({
      properties: { email: `${batch}.${index}@kill.example` },
    }))
    answered.push(...(await contacts.batchApi.create({ inputs })).results.map(({ id }) => id))
  }
  child.kill('SIGKILL')
  await once(child, 'exit')

  const sandbox = await startSandbox({ dataFile })
  const survivors = await client(sandbox.createAccount({ connector: 'hubspot', id: '1' })).crm.contacts.getAll()
  expect(survivors.map(({ id }) => id)).toEqual(answered)
  await sandbox.close()
})

it('is used by one sandbox at a time', async () => {
  const sandbox = await startSandbox({ dataFile })
  await expect(startSandbox({ dataFile })).rejects.toMatchObject({ code: 'already_running' })
  await sandbox.close()
})

it('refuses bad options and taken ports', async () => {
  await expect(startSandbox({ port: -1 })).rejects.toMatchObject({ code: 'invalid_option' })
  await expect(startSandbox({ dataFile: '/dev/null/x.db' })).rejects.toMatchObject({ code: 'invalid_option' })
  const sandbox = await startSandbox()
  await expect(startSandbox({ port: Number(new URL(sandbox.url).port) })).rejects.toMatchObject({ code: 'port_in_use' })
  await sandbox.close()
})

it('forgets what was not committed, remembers what was deleted', () => {
  const store = new Store(dataFile)
  const shelf = store.shelf<number>('a', 's')
  for (const key of ['x', 'y']) shelf.set(key, 1)
  store.commit()
  shelf.delete('x')
  store.close()
  const reopened = new Store(dataFile)
  expect([...reopened.shelf<number>('a', 's').entries()]).toEqual([['y', 1]])
  reopened.close()
})
