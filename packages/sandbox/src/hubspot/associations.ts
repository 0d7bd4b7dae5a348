// Who belongs to whom in one portal: labelled edges between records, always kept in both directions.
// Owns the type ids, labels of the portal's own, and the rule of one primary company; must not know
// routes. Changing an association does not move a record's modification date, as in HubSpot.
// Type ids: https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
import type { Shelf, Store } from '../store/store.ts'
import { invalid, notFound } from './errors.ts'
import { factsOf } from './object-types.ts'
import type { ObjectType } from './object-types.ts'

export interface AssociationSpec {
  readonly associationCategory: string
  readonly associationTypeId: number
}

export interface AssociatedRecord {
  readonly id: string
  readonly typeIds: readonly number[]
}

export interface AssociationChange {
  readonly fromType: ObjectType
  readonly fromId: string
  readonly toType: ObjectType
  readonly toId: string
  readonly removed: boolean
  readonly primary: boolean
}

export interface AssociationType {
  readonly id: number
  readonly inverse: number
  readonly primary: boolean
  /** The v3 name. */
  readonly name: string
  readonly label: string | null
  readonly category: 'HUBSPOT_DEFINED' | 'USER_DEFINED'
}

interface Label {
  readonly from: ObjectType
  readonly to: ObjectType
  readonly id: number
  readonly inverse: number
  readonly name: string
  readonly label: string
}

// from, to, plain ids in both directions, primary ids where there are such.
const standard: readonly (readonly [
  from: ObjectType,
  to: ObjectType,
  ids: readonly number[],
  primary?: readonly number[],
])[] = [
  ['contacts', 'companies', [279, 280], [1, 2]],
  ['deals', 'contacts', [3, 4]],
  ['deals', 'companies', [341, 342], [5, 6]],
  ['notes', 'contacts', [202, 201]],
  ['notes', 'companies', [190, 189]],
  ['notes', 'deals', [214, 213]],
  ['tasks', 'contacts', [204, 203]],
  ['tasks', 'companies', [192, 191]],
  ['tasks', 'deals', [216, 215]],
]
/** Labels of its own that a portal may have for a pair of types. */
const labelsMax = 10
/** Above the ids HubSpot defines, so that an id alone names one type here. */
const labelIdsFrom = 1000

export class Associations {
  readonly #edges: Shelf<number[]>
  readonly #labels: Shelf<Label>
  readonly #account: string
  readonly #store: Store
  /** 'contacts>companies' → id → id → type ids. */
  readonly #adjacent = new Map<string, Map<string, Map<string, number[]>>>()
  readonly #changed: (change: AssociationChange) => void

  constructor(account: string, store: Store, changed: (change: AssociationChange) => void) {
    this.#account = account
    this.#store = store
    this.#changed = changed
    this.#edges = store.shelf(account, 'association')
    this.#labels = store.shelf(account, 'associationlabel')
    for (const [key, typeIds] of this.#edges.entries()) {
      const [pair = '', from = '', to = ''] = key.split(' ')
      this.#of(pair, from).set(to, typeIds)
    }
  }

  /** The association types between two object types, the primary one first. Throws HubSpot's 400 when there are none. */
  types(from: ObjectType, to: ObjectType): readonly AssociationType[] {
    const name = `${factsOf(from).singular}_to_${factsOf(to).singular}`
    const common = { name, label: null, primary: false, category: 'HUBSPOT_DEFINED' } as const
    const types: AssociationType[] = []
    for (const [a, b, ids, primary] of standard) {
      const at = from === a && to === b ? 0 : from === b && to === a ? 1 : -1
      if (at === -1) continue
      if (primary)
        types.push({ ...common, id: primary[at]!, inverse: primary[1 - at]!, primary: true, label: 'Primary' })
      types.push({ ...common, name: primary ? `${name}_unlabeled` : name, id: ids[at]!, inverse: ids[1 - at]! })
    }
    // Custom objects go with anything, by ids that depend on the pair.
    if (types.length === 0 && (from.startsWith('2-') || to.startsWith('2-'))) {
      const id = this.#customId(from, to)
      types.push({ ...common, id, inverse: this.#customId(to, from) })
    }
    if (types.length === 0) throw invalid(`No association types exist from ${from} to ${to}`)
    for (const label of this.#labels.values()) {
      if (label.from === from && label.to === to) types.push({ ...label, primary: false, category: 'USER_DEFINED' })
    }
    return types
  }

  /** The type with this id or v3 name. Throws HubSpot's 400 when it does not fit the pair. */
  type(from: ObjectType, to: ObjectType, idOrName: number | string): AssociationType {
    const found = this.types(from, to).find(({ id, name }) => id === idOrName || name === idOrName)
    if (!found) throw invalid(`${idOrName} is not a valid association type between ${from} and ${to}`)
    return found
  }

  /** Ids of the types between two object types; none when there are none. */
  knows(from: ObjectType, to: ObjectType): number[] {
    const isKnown =
      from.startsWith('2-') ||
      to.startsWith('2-') ||
      standard.some(([a, b]) => (a === from && b === to) || (a === to && b === from))
    return isKnown ? this.types(from, to).map(({ id }) => id) : []
  }

  /** Adds a label of the portal's own, in both directions. */
  addLabel(from: ObjectType, to: ObjectType, name: string, label: string, inverseLabel: string): AssociationType[] {
    const known = this.types(from, to).filter(({ category }) => category === 'USER_DEFINED')
    if (known.length >= labelsMax) throw invalid(`There may be ${labelsMax} labels between ${from} and ${to}.`)
    if (known.some((type) => type.name === name)) throw invalid(`There is already a label named ${name}.`)
    const next = (): number => labelIdsFrom + this.#store.next(this.#account, 'label')
    const [id, inverse] = [next(), next()]
    this.#labels.set(String(id), { from, to, id, inverse, name, label })
    this.#labels.set(String(inverse), {
      from: to,
      to: from,
      id: inverse,
      inverse: id,
      name: `${name}_inverse`,
      label: inverseLabel,
    })
    return [this.type(from, to, id), this.type(to, from, inverse)]
  }

  removeLabel(from: ObjectType, to: ObjectType, id: number): void {
    const type = this.types(from, to).find((candidate) => candidate.id === id && candidate.category === 'USER_DEFINED')
    if (!type) throw notFound()
    for (const [fromId, associated] of this.#adjacent.get(`${from}>${to}`) ?? []) {
      for (const [toId, typeIds] of associated) if (typeIds.includes(id)) this.remove(from, fromId, to, toId, [id])
    }
    this.#labels.delete(String(type.id))
    this.#labels.delete(String(type.inverse))
  }

  /** What the record is associated with, oldest association first. */
  list(fromType: ObjectType, fromId: string, toType: ObjectType): AssociatedRecord[] {
    this.types(fromType, toType)
    const associated = this.#adjacent.get(`${fromType}>${toType}`)?.get(fromId)
    return [...(associated ?? [])].map(([id, typeIds]) => ({ id, typeIds }))
  }

  /** Everything the record is associated with, of whatever type. */
  all(type: ObjectType, id: string): (AssociatedRecord & { readonly toType: ObjectType })[] {
    return [...this.#adjacent].flatMap(([pair, associated]) => {
      const [from = '', toType = ''] = pair.split('>')
      if (from !== type) return []
      return [...(associated.get(id) ?? [])].map(([otherId, typeIds]) => ({ toType, id: otherId, typeIds }))
    })
  }

  /** Adds types to the pair. The first company of a contact becomes its primary one; a new primary replaces the old. */
  add(fromType: ObjectType, fromId: string, toType: ObjectType, toId: string, typeIds: readonly number[]): number[] {
    const wanted = typeIds.map((id) => this.type(fromType, toType, id))
    const types = this.types(fromType, toType)
    const primary = types.find((type) => type.primary)
    const [ownType, ownId, companyId] = toType === 'companies' ? [fromType, fromId, toId] : [toType, toId, fromId]
    const companies = this.#of(`${ownType}>companies`, ownId)
    const becomesPrimary = primary !== undefined && (companies.size === 0 || wanted.some((type) => type.primary))
    if (becomesPrimary) this.#demote(ownType, ownId, companyId)
    const plainId = types.find((type) => !type.primary && type.category === 'HUBSPOT_DEFINED')!.id
    const before = this.#of(`${fromType}>${toType}`, fromId).get(toId) ?? []
    const added = [
      ...(becomesPrimary ? [primary.id] : []),
      ...wanted.filter((type) => !type.primary).map(({ id }) => id),
    ]
    const after = [...new Set([...added, ...before, plainId])].sort((a, b) => a - b)
    this.#put(fromType, fromId, toType, toId, after)
    if (after.length !== before.length) {
      this.#changed({ fromType, fromId, toType, toId, removed: false, primary: becomesPrimary })
    }
    return after
  }

  /** Removes the pair, or only some of its types; without its plain type a pair is gone. */
  remove(fromType: ObjectType, fromId: string, toType: ObjectType, toId: string, typeIds?: readonly number[]): void {
    const before = this.#of(`${fromType}>${toType}`, fromId).get(toId)
    if (!before) return
    const types = this.types(fromType, toType)
    const plain = types.find((type) => !type.primary && type.category === 'HUBSPOT_DEFINED')!
    const whole = typeIds === undefined || typeIds.includes(plain.id)
    this.#put(fromType, fromId, toType, toId, whole ? [] : before.filter((id) => !typeIds.includes(id)))
    const primary = types.some((type) => type.primary && before.includes(type.id))
    this.#changed({ fromType, fromId, toType, toId, removed: true, primary })
  }

  /** Removes every association of a record. */
  removeAll(type: ObjectType, id: string): void {
    for (const { toType, id: otherId } of this.all(type, id)) this.remove(type, id, toType, otherId)
  }

  /** The contact's primary company. */
  primaryCompany(contactId: string): string | undefined {
    return this.list('contacts', contactId, 'companies').find(({ typeIds }) => typeIds.includes(1))?.id
  }

  clear(): void {
    this.#edges.clear()
    this.#adjacent.clear()
  }

  #demote(type: ObjectType, id: string, exceptCompanyId: string): void {
    const primary = this.types(type, 'companies').find((candidate) => candidate.primary)!
    for (const { id: companyId, typeIds } of this.list(type, id, 'companies')) {
      if (companyId === exceptCompanyId || !typeIds.includes(primary.id)) continue
      this.#put(
        type,
        id,
        'companies',
        companyId,
        typeIds.filter((typeId) => typeId !== primary.id),
      )
    }
  }

  #put(fromType: ObjectType, fromId: string, toType: ObjectType, toId: string, typeIds: readonly number[]): void {
    const inverse = typeIds.map((id) => this.type(fromType, toType, id).inverse)
    const both: [ObjectType, string, ObjectType, string, number[]][] = [
      [fromType, fromId, toType, toId, [...typeIds]],
      [toType, toId, fromType, fromId, inverse],
    ]
    for (const [from, id, to, otherId, ids] of both) {
      const key = `${from}>${to} ${id} ${otherId}`
      const associated = this.#of(`${from}>${to}`, id)
      if (ids.length === 0) {
        associated.delete(otherId)
        this.#edges.delete(key)
      } else {
        associated.set(otherId, ids)
        this.#edges.set(key, ids)
      }
    }
  }

  // Above every id HubSpot defines, below the ones that labels are given.
  #customId(from: ObjectType, to: ObjectType): number {
    const number = (type: ObjectType): number =>
      type.startsWith('2-') ? Number(type.slice(2)) : 500 + Object.keys(typeNumbers).indexOf(type)
    return 10_000_000 + number(from) * 1000 + number(to)
  }

  #of(pair: string, id: string): Map<string, number[]> {
    const all = this.#adjacent.get(pair) ?? new Map<string, Map<string, number[]>>()
    this.#adjacent.set(pair, all)
    const associated = all.get(id) ?? new Map<string, number[]>()
    all.set(id, associated)
    return associated
  }
}

const typeNumbers = { contacts: 0, companies: 1, deals: 2, notes: 3, tasks: 4 }
