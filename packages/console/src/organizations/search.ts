// The list's part of the URL.
import { isolationModel } from '@rowhouse/contracts'
import type { IsolationModel } from '@rowhouse/contracts'
import { oneOf, text } from '../app/search.ts'
import { groups, sortKeys } from './overview.ts'
import type { Group, Sort } from './overview.ts'

export interface OrganizationsSearch {
  readonly q?: string | undefined
  readonly show?: Group | undefined
  readonly isolation?: IsolationModel | undefined
  /** The id of a plan. */
  readonly plan?: string | undefined
  readonly sort?: Sort | undefined
}

const sorts: readonly Sort[] = sortKeys.flatMap((key): Sort[] => [key, `-${key}`])

export const organizationsSearch = (search: Record<string, unknown>): OrganizationsSearch => ({
  q: text(search['q']),
  show: oneOf(groups, search['show']),
  isolation: oneOf(isolationModel.options, search['isolation']),
  plan: text(search['plan']),
  sort: oneOf(sorts, search['sort']),
})
