// What a SuiteQL query is once parsed. Types only.

export type Expression =
  | { readonly kind: 'literal'; readonly value: string | number | null }
  | { readonly kind: 'column'; readonly table: string | undefined; readonly name: string }
  | { readonly kind: 'call'; readonly name: string; readonly values: readonly Expression[]; readonly star: boolean }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Expression[] }
  | { readonly kind: 'not'; readonly part: Expression }
  | { readonly kind: 'null'; readonly part: Expression; readonly negated: boolean }
  | {
      readonly kind: 'in'
      readonly part: Expression
      readonly values: readonly Expression[]
      readonly negated: boolean
    }
  | {
      readonly kind: 'between'
      readonly part: Expression
      readonly low: Expression
      readonly high: Expression
      readonly negated: boolean
    }

export interface Selected {
  /** Undefined is everything, of one table or of all. */
  readonly expression: Expression | undefined
  readonly table?: string | undefined
  readonly name: string
}

export interface Source {
  readonly table: string
  readonly alias: string
  readonly on?: Expression
  readonly outer: boolean
}

export interface Order {
  readonly expression: Expression
  readonly descending: boolean
  readonly nullsFirst: boolean | undefined
}

export interface Query {
  readonly distinct: boolean
  readonly selected: readonly Selected[]
  readonly sources: readonly Source[]
  readonly where: Expression | undefined
  readonly groups: readonly Expression[]
  readonly orders: readonly Order[]
  readonly skip: number
  readonly fetch: number | undefined
}
