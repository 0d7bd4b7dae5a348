// Organizations on another server: whom a runtime believes there, and that it hears when the way there is another.
import { startTlsProxy, useHomes, withClient } from '@rowhouse/testkit'
import { describe, expect, it } from 'vitest'

import { codeOf, eventually, ownerOf, placeOnOtherCluster } from './test-routing.ts'

describe('a cluster with TLS', () => {
  const homes = useHomes('database')

  it('is spoken to where its certificate is valid and names its host, and not otherwise', async () => {
    const { a, database } = homes()
    const start = (kind: Parameters<typeof startTlsProxy>[1]) => startTlsProxy(database.adminUrl, kind)
    const [here, other, byName] = [await start('here'), await start('other'), await start('byName')]
    const [expired, selfSigned] = [await start('expired'), await start('selfSigned')]
    const reach = async (host: string, port: number, authority: string | null): Promise<string> => {
      await homes().changeCatalogue(
        `update rowhouse.clusters set host = $1, port = $2, tls_ca = $3, tls = 'verify-full' where id = 'near'`,
        [host, port, authority],
      )
      const rowhouse = homes().open()
      const outcome = await codeOf(ownerOf(rowhouse, a).query('select * from notes'))
      await rowhouse.close()
      return outcome
    }
    try {
      await placeOnOtherCluster(homes(), [a])
      expect(await reach('127.0.0.1', here.port, here.authority)).toBe('done')
      expect(await reach('localhost', here.port, here.authority)).toBe('done')
      // Of an authority that nobody has named, and of another host.
      expect(await reach('127.0.0.1', here.port, null)).toBe('home_unreachable')
      expect(await reach('127.0.0.1', other.port, other.authority)).toBe('home_unreachable')
      expect(await reach('localhost', other.port, other.authority)).toBe('home_unreachable')
      // A name is no address; one that has ended, and one that vouches for itself.
      expect(await reach('localhost', byName.port, byName.authority)).toBe('done')
      expect(await reach('127.0.0.1', byName.port, byName.authority)).toBe('home_unreachable')
      expect(await reach('localhost', expired.port, expired.authority)).toBe('home_unreachable')
      expect(await reach('localhost', selfSigned.port, selfSigned.authority)).toBe('home_unreachable')
    } finally {
      await Promise.all([here, other, byName, expired, selfSigned].map((proxy) => proxy.close()))
    }
  })
})

describe('a cluster that is reached in another way from now on', () => {
  const homes = useHomes('database')

  it('is so by runtimes that know the old one, though that still answers; untold they would go on there', async () => {
    const { a, b, database } = homes()
    const proxy = await startTlsProxy(database.adminUrl, 'here')
    const trust = (authority: string | null): Promise<void> =>
      homes().changeCatalogue(
        `update rowhouse.clusters set host = '127.0.0.1', port = $1, tls = 'verify-full', tls_ca = $2 where id = 'near'`,
        [proxy.port, authority],
      )
    try {
      await placeOnOtherCluster(homes(), [a, b])
      await trust(proxy.authority)
      const rowhouse = homes().open({ placement: { pollMs: 20 } })
      const ask = (): Promise<string> => codeOf(ownerOf(rowhouse, a).query('select 1'))
      expect(await ask()).toBe('done')
      // Its key was stolen: nobody is to believe it any more.
      await trust(null)
      await eventually(async () => (await ask()) === 'home_unreachable')
      await trust(proxy.authority)
      await eventually(async () => (await ask()) === 'done')

      await withClient(database.adminUrl, (admin) =>
        admin.query('alter table rowhouse.clusters disable trigger tell_of_cluster'),
      )
      const untold = homes().open({ placement: { pollMs: 20 } })
      expect(await codeOf(ownerOf(untold, a).query('select 1'))).toBe('done')
      await trust(null)
      // Who asks for the first time is told; whoever was told before goes on.
      expect(await codeOf(ownerOf(untold, b).query('select 1'))).toBe('home_unreachable')
      expect(await codeOf(ownerOf(untold, a).query('select 1'))).toBe('done')
    } finally {
      await proxy.close()
    }
  })
})
