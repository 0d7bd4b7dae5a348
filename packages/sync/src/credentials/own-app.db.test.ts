// Whose app goes where: the product's secret to the provider alone, never to an address that came with a connection.
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useHouse } from '../fixtures/house.ts'
import type { Household } from '../fixtures/house.ts'

const house = useHouse()
const product = { clientId: 'the-product', clientSecret: 'secret-of-the-product-0123456789' }
const heard: string[] = []
let elsewhere: Server
let tokenUrl = ''

beforeAll(async () => {
  // What a customer of a provider may run below one of its hosts: it keeps what it is sent.
  elsewhere = createServer((request, response) => {
    const chunks: Uint8Array[] = []
    request.on('data', (chunk: Uint8Array) => chunks.push(chunk))
    request.on('end', () => {
      heard.push(`${JSON.stringify(request.headers)} ${Buffer.concat(chunks).toString()}`)
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}')
    })
  })
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
  tokenUrl = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/token`
  await house().sync.apps.set('hubspot', { ...product, scopes: [], baseUrl: null })
})
afterAll(() => void elsewhere.close())

const account = (name: string) => house().createAccount({ connector: 'hubspot', name, apps: [{ ...product }] })
const test = ({ connection, organizationId }: Household) => house().sync.connections.test(organizationId, connection.id)

describe('the app of the product', () => {
  it('does not go with a connection that brings an address for its tokens and no app', async () => {
    const mine = { refreshToken: 'mine', clientId: null, clientSecret: null, tokenUrl }
    await expect(house().connect(0, account('Refused'), mine)).rejects.toMatchObject({ code: 'validation_failed' })
    expect(heard).toEqual([])
  })

  it('is not sent to an address that a connection has all the same', async () => {
    const household = await house().connect(0, account('Kept'), {
      refreshToken: 'mine',
      clientId: null,
      clientSecret: null,
    })
    await withClient(house().database.controlUrl, (control) =>
      control.query('update rowhouse.connections set token_url = $2 where id = $1', [
        household.connection.id,
        tokenUrl,
      ]),
    )
    house().sandbox.chaos(household.account.id, { revokeTokens: true })
    await expect(test(household)).rejects.toMatchObject({ code: 'credentials_refused' })
    expect(heard).toEqual([])
  })

  it('would be sent there, as the app that a connection brings is', async () => {
    const household = await house().connect(1, account('Own'), { refreshToken: 'mine', ...product, tokenUrl })
    house().sandbox.chaos(household.account.id, { revokeTokens: true })
    await expect(test(household)).rejects.toMatchObject({ code: 'credentials_refused' })
    expect(heard.join()).toContain(product.clientSecret)
  })
})
