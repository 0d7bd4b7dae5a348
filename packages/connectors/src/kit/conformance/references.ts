// References: a record's parents, set here and seen there, set there and seen here.
import { beforeAll, describe, expect, it } from 'vitest'
import { refer, Scene, start, unknownId } from './scene.ts'
import type { ConformanceObject, ConformanceReference, ConformanceSubject } from './subject.ts'

const refused = { outcome: 'failed', failure: { action: 'park' } }

export function testReferences(subject: ConformanceSubject, spec: ConformanceObject): void {
  describe.each(spec.references)('the reference $reference', (reference: ConformanceReference) => {
    const name = reference.reference
    let scene: Scene
    beforeAll(async () => {
      scene = await Scene.open(subject, spec)
    })
    const parentOf = async (id: string): Promise<unknown> => (await scene.get(id))!.references[name]

    if (reference.fixed)
      it('is set with a create, and never moves', async () => {
        const [first, second] = [await scene.parent(name), await scene.parent(name)]
        const id = await scene.makeOne({}, { [name]: first })
        expect(await scene.write([refer(id, name, second)])).toMatchObject([refused])
        expect(await parentOf(id)).toBe(first)
      })
    else
      it('is set with a create, moved, cleared and set again', async () => {
        const [first, second] = [await scene.parent(name), await scene.parent(name)]
        const id = await scene.makeOne({}, { [name]: first })
        expect(await parentOf(id)).toBe(first)
        for (const parent of reference.required ? [second, first] : [second, null, null, first]) {
          expect(await scene.write([refer(id, name, parent)])).toMatchObject([{ outcome: 'done', id }])
          expect(await parentOf(id)).toBe(parent)
        }
      })

    it('comes with every way of reading', async () => {
      const at = await Scene.open(subject, spec)
      const parent = await at.parent(name)
      const [id] = await at.make([await at.next({}, { [name]: parent })])
      const listed = await at.list(10)
      const { records } = await at.poll(start, 10)
      for (const record of [...listed, ...records, (await at.get(id!))!])
        expect(record).toMatchObject({ id, references: { [name]: parent } })
    })

    if (!reference.fixed)
      it('that a person sets, moves and clears there is seen here', async () => {
        const [first, second] = [await scene.parent(name), await scene.parent(name)]
        const id = await scene.makeOne({}, reference.required ? { [name]: await scene.parent(name) } : {})
        for (const parent of reference.required ? [first, second] : [first, second, null]) {
          scene.account.person.refer(spec, id, reference, parent)
          expect(await parentOf(id)).toBe(parent)
          expect((await scene.list(50)).find((record) => record.id === id)!.references[name]).toBe(parent)
        }
      })

    it('to what does not exist is refused, alone', async () => {
      const parent = await scene.parent(name)
      const id = await scene.makeOne({}, { [name]: parent })
      const other = await scene.makeOne({}, { [name]: parent })
      const moved = { outcome: reference.fixed ? 'failed' : 'done' }
      expect(await scene.write([refer(id, name, unknownId(parent)), refer(other, name, parent)])).toMatchObject([
        refused,
        moved,
      ])
      expect(await parentOf(id)).toBe(parent)
      expect(await scene.write([await scene.next({}, { [name]: unknownId(parent) })])).toMatchObject([refused])
    })
  })
}
