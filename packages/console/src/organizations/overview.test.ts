import type { Organization } from '@rowhouse/contracts'
import { describe, expect, it } from 'vitest'
import { connectionOf, organizationOf } from '../../dev/fixtures.ts'
import { isInGroup, matches, sortKeys, sorted, summarize } from './overview.ts'

const twelve = Array.from({ length: 12 }, (_, index) => organizationOf(index))
const calm: Organization = { ...organizationOf(0), connection: { ...connectionOf(0, 'live'), lagMs: 0 } }
const all = { text: '', group: null, isolation: null, plan: null }

describe('the sentence on top', () => {
  it('says that all is well, how many are not, and that it is still reading', () => {
    expect(summarize([calm], true)).toMatchObject({ tone: 'ok', headline: 'Everything is all right.' })
    expect(summarize([calm, calm], true).headline).toBe('Everything is all right in 2 organizations.')
    expect(summarize([calm, calm], false).headline).toBe('Everything is all right in 2 organizations so far.')
    expect(summarize(twelve, true)).toMatchObject({ tone: 'warn', headline: '4 of 12 organizations need attention.' })
    expect(summarize([{ ...calm, connection: null }], true).headline).toBe('1 organization, none of them live.')
  })

  it('counts one that is slower than it usually is among those that need attention, once', () => {
    expect(summarize([calm], true, new Set([calm.id]))).toMatchObject({ tone: 'warn' })
    const slow = new Set(twelve.slice(0, 4).map(({ id }) => id))
    expect(summarize(twelve, true, slow).headline).toBe('7 of 12 organizations need attention.')
  })

  it('counts what the filter behind it then shows', () => {
    for (const { text, group } of summarize(twelve, true).facts) {
      if (group === null || group === 'attention') continue
      expect(text).toMatch(new RegExp(`^${twelve.filter((organization) => isInGroup(organization, group)).length} `))
    }
  })

  it('does not call a late, degraded, disconnected or suspended one all right', () => {
    for (const connection of [
      { ...connectionOf(0, 'live'), lagMs: 90_000 },
      connectionOf(0, 'degraded'),
      connectionOf(0, 'disconnected'),
      { ...connectionOf(0, 'live'), deadLetters: 1 },
    ]) {
      expect(summarize([{ ...calm, connection }], true).tone).toBe('warn')
    }
    expect(summarize([{ ...calm, status: 'suspended' }], true).tone).toBe('warn')
  })

  it('says that one is catching up before it says that all is right', () => {
    const busy = { ...calm, connection: connectionOf(0, 'backfilling') }
    expect(summarize([calm, busy], true)).toMatchObject({
      tone: 'busy',
      headline: '1 of 2 organizations is catching up; nothing is wrong.',
    })
    expect(summarize([busy], true).headline).toBe('1 organization is catching up with its CRM.')
    expect(summarize([calm], true).tone).toBe('ok')
  })
})

describe('the list', () => {
  it('finds by name and slug, in any case, and by every filter at once', () => {
    expect(
      twelve.filter((organization) => matches(organization, { ...all, text: ' ELM ' })).map(({ name }) => name),
    ).toEqual(['Elm Street Bakery'])
    expect(
      twelve
        .filter((organization) =>
          matches(organization, { text: 'a', group: 'paused', isolation: 'shared', plan: null }),
        )
        .map(({ name }) => name),
    ).toEqual(['Elm Street Bakery'])
    expect(
      twelve.filter((organization) => matches(organization, { ...all, plan: 'team' })).map(({ plan }) => plan),
    ).toEqual(['team', 'team', 'team'])
    expect(
      twelve.filter((organization) => matches(organization, { ...all, group: 'none' })).map(({ name }) => name),
    ).toEqual(['Juniper Travel'])
  })

  it('sorts by each column both ways without losing one', () => {
    for (const key of sortKeys) {
      for (const sort of [key, `-${key}`] as const) expect(new Set(sorted(twelve, sort))).toEqual(new Set(twelve))
    }
    expect(sorted(twelve, '-errors')[0]?.name).toBe('Dunmore Legal')
    expect(sorted(twelve, 'state')[0]?.name).toBe('Ironside Security')
    expect(sorted(twelve, '-name')[0]?.name).toBe('Larkspur Media')
  })
})
