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

    it('knows every field of a record', () => {
      const fields = new Map(schema.fields.map((field) => [field.name, field]))
      expect(fields.size).toBe(schema.fields.length)
      const isStandard = (name: string): boolean => !spec.made?.fields.some((field) => field.name === name)
      for (const name of [...Object.keys(spec.record(0)), spec.text])
        expect(fields.get(name)).toMatchObject({ name, readOnly: false, custom: !isStandard(name) })
    })

    it('knows which fields are custom, and their kinds', () => {
      const ours = new Set(customFields.map(({ name }) => scene.custom(name)))
      const custom = new Map(schema.fields.filter((field) => field.custom).map((field) => [field.name, field]))
      const found = customFields.flatMap(({ name }) => custom.get(scene.custom(name)) ?? [])
      expect(found.map(({ name, kind, required }) => ({ name, kind, required }))).toEqual(
        (spec.customFields ? customFields : []).map(({ name, type }) => ({
          name: scene.custom(name),
          kind: kindOf[type],
          required: false,
        })),
      )
      const options = found.map((field) => field.options?.map(({ value }) => value) ?? null)
      const sizes = ['small', 'large'].map((label) => scene.choice(label))
      expect(options).toEqual(found.map(({ kind }) => (kind === 'choice' ? sizes : null)))
      // Whoever takes no custom fields has none, whatever the account came with.
      expect(spec.customFields || custom.size === 0).toBe(true)
      expect(schema.fields.filter(({ name, custom: is }) => ours.has(name) && !is)).toEqual([])
    })

    it('says the same of a field as the description', () => {
      const described = connector.describe().objects.find(({ name }) => name === spec.object)
      const readOnly = new Set(described?.readOnlyFields)
      const writable = schema.fields.filter((field) => readOnly.has(field.name) && !field.readOnly)
      expect(writable).toEqual([])
      const samples: Partial<Record<FieldKind, string>> = {
        number: '007.50',
        email: 'A@B.C',
        domain: 'https://www.A.b/',
      }
      const standard = schema.fields.filter(({ name, custom }) => described && !custom && name in spec.record(0))
      const canonical = (withDefinition: boolean): unknown[] =>
        standard.map(({ name, kind }) =>
          connector.canonical(
            spec.object,
            name,
            samples[kind] ?? ' x ',
            withDefinition ? scene.selection.definition : undefined,
          ),
        )
      expect(canonical(true)).toEqual(canonical(false))
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
