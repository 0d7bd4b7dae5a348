// The console's pages: each route checks its part of the URL, and its code is loaded when it is visited.
import {
  Outlet,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router'
import { activitySearch } from '../activity/search.ts'
import { isolationSearch } from '../isolation/search.ts'
import { loadSearch } from '../load/search.ts'
import { organizationsSearch } from '../organizations/search.ts'
import { isSignedOut, meQuery, queries, signInQuery, whenSignedOut } from './api.ts'
import { NotFound, PageFailure } from './failures.tsx'
import { safeReturnTo } from './return-to.ts'
import { parseSearch, stringifySearch, text } from './search.ts'
import { Shell } from './shell.tsx'

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound, errorComponent: PageFailure })

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: (search: Record<string, unknown>): { returnTo?: string | undefined; error?: string | undefined } => ({
    returnTo: text(search['returnTo']),
    error: text(search['error']),
  }),
  component: lazyRouteComponent(() => import('../session/sign-in-page.tsx'), 'SignInPage'),
})

const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  beforeLoad: async ({ location }) => {
    const returnTo = safeReturnTo(location.href)
    const toSignIn = redirect({ to: '/sign-in', search: returnTo === '/' ? {} : { returnTo } })
    // Asked first, because a browser reports every refusal as an error of the page.
    if (queries.getQueryData(meQuery.queryKey) === undefined && !(await queries.fetchQuery(signInQuery)).signedIn)
      throw toSignIn
    try {
      return { me: await queries.ensureQueryData(meQuery) }
    } catch (error) {
      throw isSignedOut(error) ? toSignIn : error
    }
  },
  component: Shell,
})

const organizations = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  validateSearch: organizationsSearch,
  beforeLoad: ({ context: { me } }) => {
    const [only, ...others] = me.memberships
    if (me.actor.kind === 'user' && only !== undefined && others.length === 0) {
      throw redirect({
        to: '/organizations/$organizationId',
        params: { organizationId: only.organizationId },
        replace: true,
      })
    }
  },
  component: lazyRouteComponent(() => import('../organizations/organizations-page.tsx'), 'OrganizationsPage'),
})

const organization = createRoute({
  getParentRoute: () => signedIn,
  path: '/organizations/$organizationId',
  validateSearch: activitySearch,
  component: lazyRouteComponent(() => import('../organization/organization-page.tsx'), 'OrganizationPage'),
})

const isolation = createRoute({
  getParentRoute: () => signedIn,
  path: '/isolation',
  validateSearch: isolationSearch,
  component: lazyRouteComponent(() => import('../isolation/isolation-page.tsx'), 'IsolationPage'),
})

const alerts = createRoute({
  getParentRoute: () => signedIn,
  path: '/alerts',
  component: lazyRouteComponent(() => import('../alerts/alerts-page.tsx'), 'AlertsPage'),
})

const rollouts = createRoute({
  getParentRoute: () => signedIn,
  path: '/rollouts',
  component: lazyRouteComponent(() => import('../rollouts/rollouts-page.tsx'), 'RolloutsPage'),
})

const clusters = createRoute({
  getParentRoute: () => signedIn,
  path: '/clusters',
  component: lazyRouteComponent(() => import('../clusters/clusters-page.tsx'), 'ClustersPage'),
})

const plans = createRoute({
  getParentRoute: () => signedIn,
  path: '/plans',
  component: lazyRouteComponent(() => import('../plans/plans-page.tsx'), 'PlansPage'),
})

const load = createRoute({
  getParentRoute: () => signedIn,
  path: '/load',
  validateSearch: loadSearch,
  component: lazyRouteComponent(() => import('../load/load-page.tsx'), 'LoadPage'),
})

const join = createRoute({
  getParentRoute: () => signedIn,
  path: '/join',
  component: lazyRouteComponent(() => import('../invitations/join-page.tsx'), 'JoinPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([
    signIn,
    signedIn.addChildren([organizations, organization, isolation, alerts, load, rollouts, clusters, plans, join]),
  ]),
  parseSearch,
  stringifySearch,
  defaultPreload: 'intent',
  defaultErrorComponent: PageFailure,
  defaultNotFoundComponent: NotFound,
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

whenSignedOut(() => {
  const { location } = router.state
  if (location.pathname === '/sign-in') return
  queries.removeQueries({ queryKey: meQuery.queryKey })
  void router.navigate({ to: '/sign-in', search: { returnTo: safeReturnTo(location.href) } })
})
