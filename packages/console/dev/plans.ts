// Plans of the fixture and what organizations may have by them; both can be changed. Made up; in memory.
import type { Organization, OrganizationLimits, Plan } from '@rowhouse/contracts'

type Limits = OrganizationLimits['own']

export const noLimits: Limits = {
  connectionsMax: null,
  connectionsMin: null,
  concurrencyMax: null,
  acquireTimeoutMs: null,
  idleTimeoutMs: null,
  loginConnectionsMax: null,
  statementTimeoutMs: null,
  idleInTransactionTimeoutMs: null,
}

const common = { region: null, cluster: null, ...noLimits, ownKey: false, organizations: 0 } as const
const plans: readonly Plan[] = [
  {
    ...common,
    id: 'business',
    name: 'Business',
    isolation: 'schema',
    concurrencyMax: 40,
    statementTimeoutMs: 60_000,
    connectionsMax: 8,
    loginConnectionsMax: 40,
  },
  {
    ...common,
    id: 'enterprise',
    name: 'Enterprise, with a server of its own in the region that was agreed',
    isolation: 'database',
    region: 'eu-central',
    cluster: 'eu-central-dedicated-enterprise-2',
    ownKey: true,
  },
  {
    ...common,
    id: 'free',
    name: 'free',
    isolation: 'shared',
    concurrencyMax: 5,
    statementTimeoutMs: 5000,
    idleInTransactionTimeoutMs: 5000,
    acquireTimeoutMs: 2000,
    connectionsMax: 2,
  },
  { ...common, id: 'team', name: 'Team', isolation: 'shared', concurrencyMax: 20, statementTimeoutMs: 30_000 },
]

export const planOf = (id: string): Plan => plans.find((plan) => plan.id === id) as Plan

export interface Plans {
  list(organizations: readonly Organization[]): { readonly items: Plan[] }
  set(id: string, body: Partial<Plan>, organizations: readonly Organization[]): Plan
  limitsOf(organization: Organization): OrganizationLimits
  setLimits(organization: Organization, body: Partial<Limits>): OrganizationLimits
}

export function plansOf(): Plans {
  const all = new Map(plans.map((plan) => [plan.id, plan]))
  const own = new Map<string, Limits>()
  const counted = (plan: Plan, organizations: readonly Organization[]): Plan => ({
    ...plan,
    organizations: organizations.filter((organization) => organization.plan === plan.id).length,
  })
  const limitsOf = ({ id, plan }: Organization): OrganizationLimits => {
    const mine = own.get(id) ?? noLimits
    const names = Object.keys(noLimits) as (keyof Limits)[]
    const effective = Object.fromEntries(
      names.map((name) => [name, mine[name] ?? all.get(plan)?.[name] ?? null]),
    ) as Limits
    return { own: mine, effective }
  }
  return {
    list: (organizations) => ({
      items: [...all.values()].map((plan) => counted(plan, organizations)).sort((a, b) => (a.id < b.id ? -1 : 1)),
    }),
    set(id, body, organizations) {
      const plan = { ...common, id, name: id, isolation: 'shared' as const, ...all.get(id), ...body }
      all.set(id, plan)
      return counted(plan, organizations)
    },
    limitsOf,
    setLimits(organization, body) {
      own.set(organization.id, { ...(own.get(organization.id) ?? noLimits), ...body })
      return limitsOf(organization)
    },
  }
}
