// Schema discovery: which objects an account has, which fields, of which kind, with which references.
import { beforeAll, describe, expect, it } from 'vitest'
import type { FieldKind } from '../canonical.ts'
import type { RemoteSchema } from '../schema.ts'
import { customFields, Scene, valueOf } from './scene.ts'
import type { ConformanceObject, ConformanceSubject, PersonFieldType } from './subject.ts'

const kindOf: Readonly<Record<PersonFieldType, FieldKind>> = {
  text: 'text',
  number: 'number',
  boolean: 'boolean',
  date: 'date',
  datetime: 'instant',
  picklist: 'choice',
}

export function testDiscovery(subject: ConformanceSubject, spec: ConformanceObject): void {
  const { connector } = subject

  describe('discovery', () => {
    let scene: Scene
    let schema: RemoteSchema
    beforeAll(async () => {
      scene = await Scene.open(subject, spec)
      schema = valueOf(await connector.schema(scene.http, spec.object))!
    })

    it('lists the object', async () => {
      const listed = valueOf(await connector.objects(scene.http))
      const found = listed.filter(({ object }) => object === spec.object)
      expect(found).toHaveLength(1)
      expect(found[0]).toMatchObject({ custom: spec.made !== undefined, label: expect.stringMatching(/\S/) })
      const { object, remoteName, label, custom } = schema
      expect({ object, remoteName, label, custom }).toEqual(found[0])
    })

    it('knows every field of a record, and which are custom', () => {
      const fields = new Map(schema.fields.map((field) => [field.name, field]))
      expect(fields.size).toBe(schema.fields.length)
      for (const name of [...Object.keys(spec.record(0)), spec.text]) {
        expect(fields.get(name)).toMatchObject({ name, readOnly: false })
      }
      if (spec.made === undefined) expect(fields.get(spec.text)?.custom).toBe(false)
      if (!spec.customFields) return expect(schema.fields.filter(({ custom }) => custom)).toEqual([])
      for (const { name, type } of customFields) {
        expect(fields.get(scene.custom(name))).toMatchObject({ custom: true, kind: kindOf[type], required: false })
      }
      const size = fields.get(scene.custom('size'))!
      expect(size.options?.map(({ value }) => value)).toEqual(['small', 'large'])
      expect(fields.get(scene.custom('colour'))?.options).toBeNull()
    })

    it('says the same of a field as the description', () => {
      const described = connector.describe().objects.find(({ name }) => name === spec.object)
      for (const name of described?.readOnlyFields ?? []) {
        const field = schema.fields.find((known) => known.name === name)
        if (field) expect(field).toMatchObject({ name, readOnly: true })
      }
      for (const { name, kind } of schema.fields.filter((field) => scene.selection.fields.includes(field.name))) {
        const value = { number: '007.50', boolean: 'TRUE', email: 'A@B.C', domain: 'https://www.A.b/' }[kind as string]
        if (value === undefined) continue
        const without = connector.canonical(spec.object, name, value)
        if (described && !customFields.some((field) => scene.custom(field.name) === name)) {
          expect([name, connector.canonical(spec.object, name, value, scene.selection.definition)]).toEqual([
            name,
            without,
          ])
        }
      }
    })

    it('knows every reference and what it leads to', () => {
      for (const { reference, object } of spec.references) {
        expect(schema.references.find(({ name }) => name === reference)).toMatchObject({
          object,
          via: expect.any(String),
        })
      }
    })

    it('does not know what the account does not have', async () => {
      expect(
        valueOf(await connector.schema(scene.http, spec.made ? spec.object.replace(/.(?=(__c)?$)/, '9') : 'nothing')),
      ).toBeNull()
    })

    if (!spec.customFields) return

    it('sees a field that is added later', async () => {
      const name = subject.customName(spec.object, 'later')
      scene.account.person.addField(spec.remoteName, { name, type: 'number' })
      const again = valueOf(await connector.schema(scene.http, spec.object))!
      expect(again.fields.find((field) => field.name === name)).toMatchObject({ custom: true, kind: 'number' })
    })
  })
}
