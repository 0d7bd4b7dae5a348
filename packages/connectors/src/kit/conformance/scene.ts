// The scene of a test: an account that has every object with its custom fields, and hands to make and read
// records of one object. Owns what a valid record is made of, so that no test does.
import type {
  Answer,
  Connector,
  FieldValues,
  ObjectSelection,
  PollPosition,
  RemoteRecord,
  WriteOperation,
  WriteResult,
} from '../connector.ts'
import type { Failure } from '../failure.ts'
import { definitionOf } from '../schema.ts'
import type { ConformanceAccount, ConformanceObject, ConformanceSubject, PersonFieldType } from './subject.ts'

export type CreateOperation = Extract<WriteOperation, { kind: 'create' }>
export type UpdateOperation = Extract<WriteOperation, { kind: 'update' }>

/** No walk of the suite is longer; more means it does not end. */
export const pagesMax = 200
export const start: PollPosition = { modifiedAt: '2000-01-01T00:00:00.000Z', id: '' }

/** The custom fields that every object gets which takes any. */
export const customFields = [
  { name: 'colour', type: 'text' },
  { name: 'weight', type: 'number' },
  { name: 'bought_on', type: 'date' },
  { name: 'seen_at', type: 'datetime' },
  { name: 'active', type: 'boolean' },
  { name: 'size', type: 'picklist', options: ['small', 'large'] },
] as const satisfies readonly { name: string; type: PersonFieldType; options?: readonly string[] }[]
export type CustomField = (typeof customFields)[number]['name']

let serial = 0

export class Scene {
  readonly subject: ConformanceSubject
  readonly spec: ConformanceObject
  readonly account: ConformanceAccount
  readonly selection: ObjectSelection
  readonly choices: ReadonlyMap<string, string>

  private constructor(
    subject: ConformanceSubject,
    spec: ConformanceObject,
    account: ConformanceAccount,
    selection: ObjectSelection,
    choices: ReadonlyMap<string, string>,
  ) {
    this.subject = subject
    this.spec = spec
    this.account = account
    this.selection = selection
    this.choices = choices
  }

  /** A new account for tests of one object. */
  static async open(subject: ConformanceSubject, spec: ConformanceObject): Promise<Scene> {
    const account = await subject.open()
    for (const { made, remoteName, object, customFields: takes } of subject.objects) {
      if (made) account.person.addObject(made.name, made.label)
      for (const field of made?.fields ?? []) account.person.addField(remoteName, field)
      if (!takes) continue
      for (const { name, ...field } of customFields)
        account.person.addField(remoteName, { name: subject.customName(object, name), ...field })
    }
    const names = subject.objects.map(({ object }) => object)
    valueOf(await subject.connector.prepare(account.http, names))
    return Scene.at(subject, spec, account)
  }

  /** Another object of an account that is open. */
  static async at(subject: ConformanceSubject, spec: ConformanceObject, account: ConformanceAccount): Promise<Scene> {
    const schema = valueOf(await subject.connector.schema(account.http, spec.object))
    if (schema === null) throw new Error(`the account has no ${spec.object}`)
    const fields = [
      ...new Set([
        ...Object.keys(spec.record(0)),
        spec.text,
        ...(spec.found === null ? [] : [spec.found.field]),
        ...(spec.customFields ? customFields.map(({ name }) => subject.customName(spec.object, name)) : []),
      ]),
    ]
    const references = spec.references.map(({ reference }) => reference)
    const definition = definitionOf(schema, fields, references)
    const options = schema.fields.flatMap((field) => field.options ?? [])
    const choices = new Map(options.map(({ label, value }) => [label, value]))
    return new Scene(subject, spec, account, { object: spec.object, fields, references, definition }, choices)
  }

  get connector(): Connector {
    return this.subject.connector
  }

  get http(): ConformanceAccount['http'] {
    return this.account.http
  }

  get batchSizeMax(): number {
    const { objects, customObjects } = this.connector.describe()
    return (objects.find(({ name }) => name === this.spec.object) ?? customObjects)!.batchSizeMax
  }

  /** The value that a pick list of the object keeps for what people call it. */
  choice(label: string): string {
    return this.choices.get(label) ?? label
  }

  custom(name: CustomField): string {
    return this.subject.customName(this.spec.object, name)
  }

  canonical(field: string, value: string | null): string | null {
    return this.connector.canonical(this.spec.object, field, value, this.selection.definition)
  }

  /** A create of the next valid record. Its parents, where it needs some, are made first. */
  async next(values: FieldValues = {}, references: Readonly<Record<string, string | null>> = {}) {
    const needed: Record<string, string> = {}
    for (const { reference, required } of this.spec.references) {
      const isGiven = Object.values(references).some((id) => id !== null)
      if (required && !isGiven) needed[reference] = await this.parent(reference)
    }
    return this.operation(values, { ...needed, ...references })
  }

  async several(count: number, valuesOf: (index: number) => FieldValues = () => ({})): Promise<CreateOperation[]> {
    const first = await this.next(valuesOf(0))
    return Array.from({ length: count }, (_, index) =>
      index === 0 ? first : this.operation(valuesOf(index), first.references),
    )
  }

  operation(values: FieldValues, references: Readonly<Record<string, string | null>>): CreateOperation {
    const number = ++serial
    const custom: FieldValues = this.spec.customFields
      ? {
          [this.custom('colour')]: `Colour ${number}`,
          [this.custom('weight')]: `${number}.5`,
          [this.custom('bought_on')]: '2026-03-29',
          [this.custom('seen_at')]: '2026-03-29T01:30:00.000Z',
          [this.custom('active')]: 'true',
          [this.custom('size')]: this.choice('small'),
        }
      : {}
    return {
      kind: 'create',
      key: `k${number}`,
      createToken: `token-${number}`,
      fields: { ...this.spec.record(number), ...custom, ...values },
      references,
    }
  }

  /** A new parent for a reference; gives its id. */
  async parent(reference: string): Promise<string> {
    const { object } = this.spec.references.find((known) => known.reference === reference)!
    const spec = this.subject.objects.find((candidate) => candidate.object === object)!
    const scene = await Scene.at(this.subject, spec, this.account)
    const [id] = await scene.make([await scene.next()])
    return id!
  }

  async write(operations: readonly WriteOperation[]): Promise<readonly WriteResult[]> {
    return valueOf(await this.connector.write(this.http, this.selection, operations))
  }

  /** Creates all of them, in batches; gives their ids. */
  async make(operations: readonly CreateOperation[]): Promise<string[]> {
    const ids: string[] = []
    for (let from = 0; from < operations.length; from += this.batchSizeMax) {
      for (const result of await this.write(operations.slice(from, from + this.batchSizeMax))) {
        if (result.outcome !== 'done') throw new Error(`not created: ${JSON.stringify(result)}`)
        ids.push(result.id)
      }
    }
    return ids
  }

  async makeOne(values: FieldValues = {}, references: Readonly<Record<string, string | null>> = {}): Promise<string> {
    const [id] = await this.make([await this.next(values, references)])
    return id!
  }

  async get(id: string): Promise<RemoteRecord | undefined> {
    return valueOf(await this.connector.get(this.http, this.selection, [id]))[0]
  }

  /** All pages of a poll. */
  async poll(from: PollPosition, pageSize: number): Promise<{ records: RemoteRecord[]; position: PollPosition }> {
    const records: RemoteRecord[] = []
    let position = from
    for (let pages = 0; pages < pagesMax; pages++) {
      const page = valueOf(await this.connector.poll(this.http, this.selection, position, pageSize))
      records.push(...page.records)
      position = page.position
      if (!page.more) return { records, position }
    }
    throw new Error(`the poll did not end within ${pagesMax} pages`)
  }

  /** All pages of a listing. */
  async list(pageSize: number): Promise<RemoteRecord[]> {
    const records: RemoteRecord[] = []
    let cursor: string | null = null
    for (let pages = 0; pages < pagesMax; pages++) {
      const page: Awaited<ReturnType<Connector['list']>> = await this.connector.list(
        this.http,
        this.selection,
        cursor,
        pageSize,
      )
      records.push(...valueOf(page).records)
      cursor = valueOf(page).next
      if (cursor === null) return records
    }
    throw new Error(`the listing did not end within ${pagesMax} pages`)
  }
}

export function update(id: string, fields: FieldValues): UpdateOperation {
  return { kind: 'update', key: `update-${id}`, id, fields, references: {} }
}

export function refer(id: string, reference: string, parentId: string | null): UpdateOperation {
  return { ...update(id, {}), references: { [reference]: parentId } }
}

export function remove(id: string): WriteOperation {
  return { kind: 'delete', key: `delete-${id}`, id }
}

/** An id of the same form that no record has. */
export function unknownId(id: string): string {
  return /^\d+$/.test(id) ? '9'.repeat(id.length) : `${id.slice(0, 8)}0zzzzzzAAA`
}

export function failing(action: Failure['action']): object {
  return { ok: false, failure: { action } }
}

export function valueOf<T>(answer: Answer<T>): T {
  if (answer.ok) return answer.value
  throw new Error(`failed: ${JSON.stringify(answer.failure)}`)
}

export const sorted = (ids: readonly (string | undefined)[]): (string | undefined)[] =>
  ids.toSorted((a, b) => ((a ?? '') < (b ?? '') ? -1 : 1))
