// Reading: all records, records by id, records by a value. Every object passes the same tests.
import { beforeAll, describe, expect, it } from 'vitest'
import { failing, remove, Scene, sorted, start, unknownId, update, valueOf } from './scene.ts'
import type { ConformanceObject, ConformanceSubject } from './subject.ts'

const dayMs = 86_400_000

export function testReading(subject: ConformanceSubject, spec: ConformanceObject): void {
  const { connector } = subject

  describe('reading', () => {
    let scene: Scene
    beforeAll(async () => {
      scene = await Scene.open(subject, spec)
    })

    it('lists every record once, to the end, with standard and custom fields and its parents', async () => {
      const at = await Scene.open(subject, spec)
      const operations = await at.several(25)
      const ids = await at.make(operations)
      const seen = await at.list(10)
      expect(sorted(seen.map(({ id }) => id))).toEqual(sorted(ids))
      const byId = new Map(seen.map((record) => [record.id, record]))
      for (const [index, { fields, references, createToken }] of operations.entries()) {
        const record = byId.get(ids[index]!)!
        const expected = Object.fromEntries(
          at.selection.fields.map((field) => [field, at.canonical(field, fields[field] ?? null)]),
        )
        expect(record.fields).toEqual(expected)
        expect(record.references).toMatchObject(references)
        expect(record.createToken ?? null).toBe(spec.tokens ? createToken : null)
        expect(record.deleted).toBe(false)
      }
    })

    it('gives the same record whichever way it is asked for', async () => {
      const at = await Scene.open(subject, spec)
      const id = await at.makeOne()
      const [listed] = await at.list(10)
      const { records } = await at.poll(start, 10)
      expect(records.map(({ fields, references }) => ({ fields, references }))).toEqual([
        { fields: listed!.fields, references: listed!.references },
      ])
      expect(await at.get(id)).toEqual(listed)
    })

    it('asks for a new reading when a cursor is not its own', async () => {
      expect(await connector.list(scene.http, scene.selection, '<nonsense>', 10)).toMatchObject(failing('resync'))
      expect(await connector.deleted(scene.http, spec.object, 'nonsense')).toMatchObject(failing('resync'))
    })

    it('goes on from a cursor that slept for three days, or asks for a new reading', async () => {
      const at = await Scene.open(subject, spec)
      const ids = await at.make(await at.several(15))
      const first = valueOf(await connector.list(at.http, at.selection, null, 10))
      subject.advance(3 * dayMs)
      const second = await connector.list(at.http, at.selection, first.next, 10)
      const seen = second.ok ? [...first.records, ...second.value.records].map(({ id }) => id) : ids
      expect(second.ok ? null : second.failure.action).toBe(second.ok ? null : 'resync')
      expect(sorted(seen)).toEqual(sorted(ids))
    })

    it('gets records by id, and leaves out what is unknown or deleted', async () => {
      const [kept, gone] = (await scene.make(await scene.several(2))) as [string, string]
      await scene.write([remove(gone)])
      const unknown = unknownId(kept)
      const found = valueOf(await connector.get(scene.http, scene.selection, [gone, kept, unknown]))
      expect(found.map(({ id }) => id)).toEqual([kept])
      expect(valueOf(await connector.get(scene.http, scene.selection, [unknown]))).toEqual([])
      expect(valueOf(await connector.get(scene.http, scene.selection, []))).toEqual([])
    })

    if (spec.tokens)
      it('finds records by the create token', async () => {
        const operation = await scene.next()
        const [id] = await scene.make([operation])
        const tokens = [operation.createToken, 'unknown']
        const by = { kind: 'create_token', values: tokens } as const
        expect(valueOf(await connector.find(scene.http, scene.selection, by)).map((record) => record.id)).toEqual([id])
        const none = await connector.find(scene.http, scene.selection, { kind: 'create_token', values: ['unknown'] })
        expect(valueOf(none)).toEqual([])
      })

    if (spec.found !== null) {
      const { field, kept, written } = spec.found
      it(`finds records by ${field}, however it is written`, async () => {
        const id = await scene.makeOne({ [field]: written })
        await scene.makeOne()
        for (const values of [[kept], [written, 'nothing-of-this']]) {
          const by = { kind: 'field', field, values } as const
          const found = valueOf(await connector.find(scene.http, scene.selection, by))
          expect(found.map((record) => record.id)).toEqual([id])
          expect(found[0]!.fields[field]).toBe(scene.canonical(field, kept))
        }
        expect(scene.canonical(field, written)).toBe(scene.canonical(field, kept))
      })
    }

    if (spec.merges)
      it('gives the winner of a merge for the id of the loser, and says what it took in', async () => {
        const [first, second] = (await scene.make(await scene.several(2))) as [string, string]
        const winner = scene.account.person.merge(spec.remoteName, first, second)
        const [found, ...others] = valueOf(await connector.get(scene.http, scene.selection, [second]))
        expect(others).toEqual([])
        expect(found).toMatchObject({ id: winner, deleted: false })
        expect(found!.mergedIds).toContain(second)
        expect(await scene.write([update(winner, { [spec.text]: 'after the merge' })])).toMatchObject([
          { outcome: 'done' },
        ])
      })
  })
}
