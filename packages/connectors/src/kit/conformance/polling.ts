// Polling: what changed since a position, what was deleted since a cursor, and both in one round.
import { describe, expect, it } from 'vitest'
import { remove, Scene, sorted, start, update, valueOf } from './scene.ts'
import type { ConformanceObject, ConformanceSubject } from './subject.ts'

/** Beyond the cap of 10,000 results that a provider's search may have. */
const manyRecords = 10_050

export function testPolling(subject: ConformanceSubject, spec: ConformanceObject): void {
  const { connector } = subject

  describe('polling', () => {
    it('sees every record once when more share a timestamp than fit a page', async () => {
      const at = await Scene.open(subject, spec)
      const ids = await at.make(await at.several(35))
      subject.advance(5000)
      const later = await at.make(await at.several(2))
      const all = await at.poll(start, 10)
      expect(sorted(all.records.map(({ id }) => id))).toEqual(sorted([...ids, ...later]))
      expect(all.records).toEqual(all.records.toSorted((a, b) => (a.modifiedAt < b.modifiedAt ? -1 : 1)))

      const again = await at.poll(all.position, 10)
      expect(again).toEqual({ records: [], position: all.position })

      subject.advance(5000)
      await at.write([update(ids[4]!, { [spec.text]: 'Ada' })])
      const changed = await at.poll(all.position, 10)
      expect(changed.records.map(({ id, fields }) => [id, fields[spec.text]])).toEqual([[ids[4], 'Ada']])
      const overlapped = await at.poll({ modifiedAt: all.position.modifiedAt, id: '' }, 10)
      expect(overlapped.records.map(({ id }) => id)).toContain(later[0])
    })

    it('sees what a person changes, in standard and in custom fields, and what a person brings back', async () => {
      const at = await Scene.open(subject, spec)
      const { person } = at.account
      const id = await at.makeOne()
      let { position } = await at.poll(start, 10)
      const next = async () => {
        const { records, position: end } = await at.poll(position, 10)
        position = end
        return records
      }
      const custom = at.custom('colour')
      const values: Record<string, string> = {
        [spec.text]: 'theirs',
        ...(spec.customFields ? { [custom]: 'red' } : {}),
      }
      subject.advance(5000)
      person.update(spec.remoteName, id, values)
      expect(await next()).toMatchObject([{ id, fields: values }])
      if (!spec.restores) return
      subject.advance(5000)
      person.remove(spec.remoteName, id)
      expect(await next()).toEqual([])
      expect(await at.get(id)).toBeUndefined()
      subject.advance(5000)
      person.restore(spec.remoteName, id)
      expect(await next()).toMatchObject([{ id, deleted: false, fields: values }])
    })

    if (spec === subject.objects[0])
      it(`sees ${manyRecords} records with one timestamp, beyond any search cap`, { timeout: 120_000 }, async () => {
        const at = await Scene.open(subject, spec)
        const ids = await at.make(await at.several(manyRecords))
        const { records } = await at.poll(start, 200)
        expect(records).toHaveLength(manyRecords)
        expect(new Set(records.map(({ id }) => id))).toEqual(new Set(ids))
      })

    if (connector.pollAll !== undefined) {
      const { pollAll: rounds } = connector
      it('answers a round as it answers each of its questions', async () => {
        const at = await Scene.open(subject, spec)
        const other = await Scene.at(subject, subject.objects[0]!, at.account)
        const begun = valueOf(await connector.deleted(at.http, spec.object, null))
        const otherCursor = valueOf(await connector.deleted(at.http, other.spec.object, null)).cursor
        subject.advance(5000)
        const ids = await at.make(await at.several(7))
        await at.write([remove(ids[2]!)])
        const pages = valueOf(
          await rounds.read(at.http, {
            modified: [
              { selection: other.selection, position: start, pageSize: 5 },
              { selection: at.selection, position: start, pageSize: 5 },
            ],
            deleted: [
              { object: spec.object, cursor: begun.cursor },
              { object: other.spec.object, cursor: otherCursor },
            ],
          }),
        )
        expect(pages.modified).toEqual([
          valueOf(await connector.poll(at.http, other.selection, start, 5)),
          valueOf(await connector.poll(at.http, at.selection, start, 5)),
        ])
        expect(pages.modified[1]?.more).toBe(true)
        expect(pages.deleted[0]?.deleted.map(({ id }) => id)).toEqual([ids[2]])
      })

      it('refuses a round with a cursor that is not its own', async () => {
        const at = await Scene.open(subject, spec)
        const round = { modified: [], deleted: [{ object: spec.object, cursor: 'nonsense' }] }
        expect(await rounds.read(at.http, round)).toMatchObject({ ok: false, failure: { action: 'resync' } })
      })
    }

    it('reports deletions from now on, and each of them', async () => {
      const at = await Scene.open(subject, spec)
      const ids = await at.make(await at.several(5))
      const before = valueOf(await connector.deleted(at.http, spec.object, null))
      expect(before).toMatchObject({ deleted: [], more: false })
      subject.advance(5000)
      await at.write([remove(ids[1]!), remove(ids[3]!)])
      const after = valueOf(await connector.deleted(at.http, spec.object, before.cursor))
      expect(sorted(after.deleted.map(({ id }) => id))).toEqual(sorted([ids[1], ids[3]]))
      subject.advance(600_000)
      await at.write([remove(ids[0]!)])
      const last = valueOf(await connector.deleted(at.http, spec.object, after.cursor))
      expect(last.deleted.map(({ id }) => id)).toContain(ids[0])
      const quiet = valueOf(await connector.deleted(at.http, spec.object, last.cursor))
      expect(quiet.deleted.map(({ id }) => id)).not.toContain(ids[1])
    })
  })
}
