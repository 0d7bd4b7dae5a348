// Values: what is sent comes back as it was, or is refused and says why. Nothing is rounded, cut, or moved to
// another day on the way. Asked of custom fields, because every object that takes fields has one of each kind.
import { beforeAll, describe, expect, it } from 'vitest'
import { Scene, update } from './scene.ts'
import type { CustomField } from './scene.ts'
import type { ConformanceObject, ConformanceSubject } from './subject.ts'

const kept: readonly (readonly [field: CustomField, name: string, values: readonly string[]])[] = [
  // Both sides of both changes of the clocks in Europe and in America, a leap day, and a day before 1970.
  ['bought_on', 'days', ['2026-03-08', '2026-03-29', '2026-10-25', '2026-11-01', '2024-02-29', '1969-12-31']],
  [
    'seen_at',
    'instants around a change of the clocks',
    [
      '2026-03-29T00:59:59.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-25T01:30:00.000Z',
      '2026-11-01T05:30:00.000Z',
      '2026-11-01T06:30:00.000Z',
    ],
  ],
  ['weight', 'numbers', ['0', '-0.5', '123.45', '9007199254740991']],
  ['active', 'booleans', ['true', 'false']],
  ['size', 'values of a pick list', ['large', 'small']],
  ['colour', 'text of any language', ['Zoë "Ö" \\ \' %', '日本語 🚲', 'العربية']],
]

/** Taken as they are, or refused: what a number of the provider holds is its own affair. */
const doubtful: readonly (readonly [field: CustomField, name: string, values: readonly string[]])[] = [
  ['weight', 'a number beyond 2^53', ['9007199254740993', '123456789012345678', '1234567890123.4567']],
  ['size', 'a value that the pick list does not know', ['enormous']],
]

const senseless: readonly (readonly [field: CustomField, value: string])[] = [
  ['bought_on', 'soon'],
  ['seen_at', 'soon'],
  ['weight', 'heavy'],
]

export function testValues(subject: ConformanceSubject, spec: ConformanceObject): void {
  describe('values', () => {
    let scene: Scene
    let id: string
    let other: string
    beforeAll(async () => {
      scene = await Scene.open(subject, spec)
      ;[id, other] = (await scene.make(await scene.several(2))) as [string, string]
    })
    const valueIn = async (field: string): Promise<string | null | undefined> => (await scene.get(id))!.fields[field]

    it('that are empty are null, whether they were null, empty or white space', async () => {
      for (const empty of [null, '', '  ']) {
        await scene.write([update(id, { [spec.text]: 'full' })])
        expect(await valueIn(spec.text)).toBe('full')
        expect(await scene.write([update(id, { [spec.text]: empty })])).toMatchObject([{ outcome: 'done' }])
        expect(await valueIn(spec.text)).toBeNull()
      }
      const made = await scene.makeOne({ [spec.text]: '' })
      expect((await scene.get(made))!.fields[spec.text]).toBeNull()
    })

    it('of 1 MB are taken or refused, alone and shortly', async () => {
      const [result, neighbour] = await scene.write([
        update(id, { [spec.text]: 'x'.repeat(1_000_000) }),
        update(other, { [spec.text]: 'y' }),
      ])
      const reason = result!.outcome === 'failed' ? result!.failure : null
      expect([null, 'park']).toContain(reason && reason.action)
      expect(JSON.stringify(reason).length).toBeLessThan(2000)
      expect(neighbour!.outcome).toBe('done')
      const length = (await valueIn(spec.text))?.length ?? 0
      expect(length).toBe(reason === null ? 1_000_000 : 0)
      await scene.write([update(id, { [spec.text]: null })])
    })

    if (!spec.customFields) return

    it.each(kept)('%s: %s come back as they were', async (name, _, values) => {
      const field = scene.custom(name)
      for (const written of values) {
        const value = name === 'size' ? scene.choice(written) : written
        expect(await scene.write([update(id, { [field]: value })])).toMatchObject([{ outcome: 'done' }])
        expect(await valueIn(field)).toBe(value)
        expect(scene.canonical(field, value)).toBe(value)
      }
      if (name === 'active') return
      expect(await scene.write([update(id, { [field]: null })])).toMatchObject([{ outcome: 'done' }])
      expect(await valueIn(field)).toBeNull()
    })

    it.each(doubtful)('%s: %s is kept to the last digit, or refused alone', async (name, _, values) => {
      const field = scene.custom(name)
      for (const value of values) {
        const before = await valueIn(field)
        const [result, neighbour] = await scene.write([
          update(id, { [field]: value }),
          update(other, { [spec.text]: 'z' }),
        ])
        expect(neighbour).toMatchObject({ outcome: 'done' })
        const became = result!.outcome === 'failed' ? result!.failure.action : result!.outcome
        expect(['done', 'park']).toContain(became)
        expect(await valueIn(field)).toBe(result!.outcome === 'done' ? value : before)
      }
    })

    it.each(senseless)('%s: what is none is refused by the provider, not by guessing', async (name, value) => {
      const field = scene.custom(name)
      const before = await valueIn(field)
      expect(await scene.write([update(id, { [field]: value }), update(other, { [spec.text]: 'w' })])).toMatchObject([
        { outcome: 'failed', failure: { action: 'park' } },
        { outcome: 'done' },
      ])
      expect(await valueIn(field)).toBe(before)
    })
  })
}
