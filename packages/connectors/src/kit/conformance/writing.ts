// Writing: batches of creates, updates and deletes, each result on its own; creates that are made once.
import { beforeAll, describe, expect, it } from 'vitest'
import type { ConnectorHttp } from '../http.ts'
import { failing, remove, Scene, unknownId, update, valueOf } from './scene.ts'
import type { ConformanceObject, ConformanceSubject } from './subject.ts'

const silent: ConnectorHttp = { request: () => Promise.reject(new Error('called')) }

export function testWriting(subject: ConformanceSubject, spec: ConformanceObject): void {
  const { connector } = subject

  describe('writing', () => {
    let scene: Scene
    beforeAll(async () => {
      scene = await Scene.open(subject, spec)
    })

    it('creates, changes and deletes in batches; what fails, fails alone', async () => {
      const { refused } = spec
      const operations = await scene.several(3, (index) => (index === 1 ? (refused ?? {}) : {}))
      const created = await scene.write(operations)
      expect(created.map(({ key }) => key)).toEqual(operations.map(({ key }) => key))
      expect(created.map(({ outcome }) => outcome)).toEqual(['done', refused === null ? 'done' : 'failed', 'done'])
      expect(created[1]).toMatchObject(refused === null ? {} : { failure: { action: 'park' } })
      const [first, , third] = created.map((result) => (result.outcome === 'done' ? result.id : ''))
      const changed = await scene.write([
        update(first!, { [spec.text]: '  Grace ' }),
        update(unknownId(first!), { [spec.text]: 'Nobody' }),
        update(third!, refused ?? { [spec.text]: 'x' }),
      ])
      expect(changed.map(({ outcome }) => outcome)).toEqual(['done', 'gone', refused === null ? 'done' : 'failed'])
      expect((await scene.get(first!))!.fields[spec.text]).toBe('Grace')
      expect(await scene.write([remove(first!)])).toMatchObject([{ outcome: 'done' }])
      expect(await scene.write([remove(first!)])).toMatchObject([{ outcome: 'done' }])
      expect(await scene.write([update(first!, { [spec.text]: '2' })])).toMatchObject([{ outcome: 'gone' }])
      expect(await scene.write([])).toEqual([])
    })

    it('changes only the fields it is given', async () => {
      const operation = await scene.next({ [spec.text]: 'before' })
      const [id] = await scene.make([operation])
      const before = (await scene.get(id!))!
      await scene.write([update(id!, { [spec.text]: 'after' })])
      const after = (await scene.get(id!))!
      expect(after.fields).toEqual({ ...before.fields, [spec.text]: 'after' })
      expect(after.references).toEqual(before.references)
    })

    if (spec.tokens) {
      it('never creates twice with one token: the record that exists is named', async () => {
        const operation = await scene.next()
        const [id] = await scene.make([operation])
        const again = { ...operation, fields: { ...(await scene.next()).fields, [spec.text]: 'Other' } }
        expect(await scene.write([again, await scene.next()])).toMatchObject([
          { key: operation.key, outcome: 'exists', id },
          { outcome: 'done' },
        ])
        expect((await scene.get(id!))!.fields[spec.text]).toBeNull()
      })

      it('a create whose answer never came is found by its token, and is not made again', async () => {
        const at = await Scene.open(subject, spec)
        const operation = await at.next()
        await at.account.trouble({ timeoutAfterRate: 1, timeoutHoldMs: 1 })
        const lost = await connector.write(at.http, at.selection, [operation])
        await at.account.trouble({})
        expect(lost).toMatchObject({ ok: false, failure: { action: 'retry', scope: 'call' } })
        const by = { kind: 'create_token', values: [operation.createToken] } as const
        const [found, ...others] = valueOf(await connector.find(at.http, at.selection, by))
        expect(others).toEqual([])
        expect(await at.write([operation])).toMatchObject([{ outcome: 'exists', id: found!.id }])
        expect(await at.list(100)).toHaveLength(1)
      })
    } else if (spec.found !== null) {
      const { field } = spec.found
      it(`a create whose answer never came is found by its ${field}`, async () => {
        const at = await Scene.open(subject, spec)
        const operation = await at.next()
        await at.account.trouble({ timeoutAfterRate: 1, timeoutHoldMs: 1 })
        const lost = await connector.write(at.http, at.selection, [operation])
        await at.account.trouble({})
        expect(lost).toMatchObject({ ok: false, failure: { action: 'retry', scope: 'call' } })
        const by = { kind: 'field', field, values: [operation.fields[field]!] } as const
        const found = valueOf(await connector.find(at.http, at.selection, by))
        expect(found).toMatchObject([{ fields: operation.fields, references: operation.references }])
      })
    }

    it('refuses batches that are too large or mixed, before any call', async () => {
      const operation = await scene.next()
      const many = Array.from({ length: scene.batchSizeMax + 1 }, () => scene.operation({}, operation.references))
      expect(await connector.write(silent, scene.selection, many)).toMatchObject(failing('split_batch'))
      const mixed = [operation, remove('1')]
      expect(await connector.write(silent, scene.selection, mixed)).toMatchObject(failing('split_batch'))
    })

    const { history } = connector
    if (history !== undefined)
      it('tells what a field held before, newest first, of more records than one call takes', async () => {
        const id = await scene.makeOne({ [spec.text]: 'First' })
        subject.advance(1000)
        scene.account.person.update(spec.remoteName, id, { [spec.text]: ' Theirs ' })
        subject.advance(1000)
        await scene.write([update(id, { [spec.text]: 'Ours' })])
        const others = Array.from({ length: history.recordsMax }, (_, index) => `${unknownId(id)}${index}`)
        const [told, ...more] = valueOf(await history.read(scene.http, scene.selection, [...others, id]))
        expect(more).toEqual([])
        const versions = told!.fields[spec.text]!
        expect(versions.map(({ value }) => value)).toEqual(['Ours', 'Theirs', 'First'])
        expect(versions.map(({ at }) => at)).toEqual(
          versions
            .map(({ at }) => at)
            .toSorted()
            .toReversed(),
        )
        expect(versions[0]!.at).toBe((await scene.get(id))!.modifiedAt)
      })

    if (connector.describe().capabilities.conditionalWrites)
      it('refuses to overwrite what changed meanwhile', async () => {
        const id = await scene.makeOne()
        const read = (await scene.get(id))!
        subject.advance(5000)
        await scene.write([update(id, { [spec.text]: 'Theirs' })])
        const ours = { ...update(id, { [spec.text]: 'Ours' }), unmodifiedSince: read.modifiedAt }
        expect(await scene.write([ours])).toMatchObject([{ outcome: 'changed' }])
        const now = (await scene.get(id))!
        expect(now.fields[spec.text]).toBe('Theirs')
        expect(await scene.write([{ ...ours, unmodifiedSince: now.modifiedAt }])).toMatchObject([{ outcome: 'done' }])
      })
  })
}
