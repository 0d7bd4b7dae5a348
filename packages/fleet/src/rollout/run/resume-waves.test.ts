// Who leaves the first wave of a rollout that is gone on with, and who stands in.
import { describe, expect, it } from 'vitest'
import type { Home } from '../ledger/homes.ts'
import { rearrange } from './resume-waves.ts'
import type { BegunWaves, Rearranged } from './resume-waves.ts'

const home = (id: string, more: Partial<Home> = {}): Home => ({
  id,
  cluster: 'main',
  databaseName: id,
  schemaName: 'public',
  login: id,
  isolation: 'database',
  isSpare: false,
  organizationId: id,
  slug: id,
  version: null,
  isCanary: false,
  isMoving: false,
  isAnswering: true,
  server: { host: null, port: 5432, tls: 'off', tlsCa: null },
  ...more,
})
const begun = (first: readonly string[], more: Partial<BegunWaves> = {}): BegunWaves => ({
  rolloutId: 'r',
  waves: ['canary', '100 %', 'shared'],
  waveOf: new Map(first.map((id) => [id, 0])),
  firstDone: [],
  done: 1,
  ...more,
})
const movedOf = (result: Rearranged | null): Record<string, number> => Object.fromEntries(result?.moved ?? [])

describe('a home of the first wave that does not answer', () => {
  const asked: string[] = []
  const silent =
    (...ids: string[]) =>
    (one: Home): Promise<boolean> => {
      asked.push(one.id)
      return Promise.resolve(!ids.includes(one.id))
    }

  it('goes last, and a spare that answers stands in, else the first home that does', async () => {
    const all = [home('a'), home('b'), home('c'), home('d', { isSpare: true })]
    const result = await rearrange(begun(['a']), all, [], silent('a'))
    expect(result?.waves).toEqual(['canary', '100 %', 'shared', 'not answering'])
    expect(movedOf(result)).toEqual({ a: 3, d: 0 })
    expect(movedOf(await rearrange(begun(['a']), all, [], silent('a', 'd', 'b')))).toEqual({ a: 3, c: 0 })
  })

  it('needs nobody to stand in where another home of its model is in the first wave, done or not', async () => {
    const others = [home('b'), home('c')]
    expect(movedOf(await rearrange(begun(['a', 'b']), [home('a'), ...others], [], silent('a')))).toEqual({ a: 3 })
    const isDone = begun(['a', 'z'], { firstDone: [home('z')] })
    expect(movedOf(await rearrange(isDone, [home('a'), ...others], [], silent('a')))).toEqual({ a: 3 })
  })

  it('has no home stand in that many share, that is being moved, that was down, or that is of another model', async () => {
    const unable = [
      home('b', { isMoving: true }),
      home('c', { isAnswering: false }),
      home('d', { isolation: 'schema' }),
    ]
    expect(movedOf(await rearrange(begun(['a']), [home('a'), ...unable], [], silent('a')))).toEqual({ a: 3 })
    const shared = [home('a', { isolation: 'shared' }), home('b', { isolation: 'shared' })]
    expect(movedOf(await rearrange(begun(['a']), shared, [], silent('a')))).toEqual({ a: 3 })
  })

  it('stays where it was named, and is not asked', async () => {
    asked.length = 0
    expect(await rearrange(begun(['a']), [home('a'), home('b')], ['a'], silent('a'))).toBeNull()
    expect(await rearrange(begun(['a']), [home('a', { isCanary: true })], [], silent('a'))).toBeNull()
    expect(asked).toEqual([])
  })

  it('stays where nobody would be left to go first', async () => {
    expect(await rearrange(begun(['a'], { done: 0 }), [home('a')], [], silent('a'))).toBeNull()
    expect(movedOf(await rearrange(begun(['a']), [home('a')], [], silent('a')))).toEqual({ a: 3 })
  })

  it('goes to the last wave that is there for it, and never to the first', async () => {
    const kept = begun(['a', 'b'], { waves: ['canary', 'not answering'] })
    const only = begun(['a', 'b'], { waves: ['not answering'] })
    const all = [home('a'), home('b')]
    expect(await rearrange(kept, all, [], silent('a'))).toMatchObject({ waves: ['canary', 'not answering'] })
    const alone = await rearrange(only, all, [], silent('a'))
    expect([alone?.waves.length, movedOf(alone)]).toEqual([2, { a: 1 }])
  })
})
