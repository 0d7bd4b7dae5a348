// What is this organization's life like? Its home, its connection, how quick it is, and every change.
import { isApiError } from '@rowhouse/client'
import type { Organization, ServerEvent } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import { Link, getRouteApi } from '@tanstack/react-router'
import { useCallback, useEffect, useRef } from 'react'
import type { JSX } from 'react'
import { may, meQuery, organizationQuery } from '../app/api.ts'
import { ChangePanel } from '../activity/change-panel.tsx'
import { FeedView } from '../activity/feed-view.tsx'
import { tabs } from '../activity/search.ts'
import type { ActivitySearch, Tab } from '../activity/search.ts'
import { organizationAlertsQuery } from '../alerts/alerts.ts'
import { AlertNotice } from '../alerts/alert-notice.tsx'
import { useFeed } from '../activity/use-feed.ts'
import type { LiveFeed } from '../activity/use-feed.ts'
import { useEvents } from '../live/events.ts'
import { LoadView } from '../load/load-view.tsx'
import { HouseMark } from '../parts/marks.tsx'
import { CopyId, Empty, Failure, Loading, Status } from '../parts/parts.tsx'
import { connectorWords, isolationWords } from '../words/connection.ts'
import { formatCount } from '../words/numbers.ts'
import { formatDay } from '../words/time.ts'
import { SettingsView } from '../settings/settings-view.tsx'
import { Charts } from './charts.tsx'
import { ConnectControl, ConnectOutcome } from './connect-control.tsx'
import { ConnectionPanel } from './connection-panel.tsx'
import { LogView } from '../log/log-view.tsx'
import { Conflicts, DeadLetters } from './lists.tsx'
import { Members } from './members.tsx'
import { PlacementLine } from './placement-line.tsx'

const route = getRouteApi('/signed-in/organizations/$organizationId')
const SCROLLED_PX = 120

export function OrganizationPage(): JSX.Element {
  const { organizationId } = route.useParams()
  const { data: organization, error, isPending, refetch } = useQuery(organizationQuery(organizationId))
  if (isPending)
    return (
      <main className="px-4 py-6 md:px-6">
        <title>Organization · Rowhouse</title>
        <Loading lines={6} label="Reading the organization" />
      </main>
    )
  if (organization === undefined) {
    return (
      <main className="px-4 py-8 md:px-6">
        <title>Organization · Rowhouse</title>
        {isApiError(error) && error.code === 'organization_suspended' ? (
          <Empty isPage isFlush title="This organization is suspended.">
            Nobody of it is let in until an operator resumes it. Nothing is deleted, and its changes wait.
          </Empty>
        ) : (
          <>
            <h1 className="sr-only">Organization</h1>
            <Failure error={error} onRetry={() => void refetch()} />
          </>
        )}
        <Link to="/" className="mt-6 inline-block text-brick-ink underline underline-offset-2">
          All organizations
        </Link>
      </main>
    )
  }
  return <Loaded key={organizationId} organization={organization} />
}

function Loaded({ organization }: { organization: Organization }): JSX.Element {
  const { id: organizationId, connection } = organization
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { data: me } = useQuery(meQuery)
  const tab = search.tab ?? 'activity'
  const top = useRef<HTMLDivElement>(null)
  const isHeld = useCallback(
    () => (top.current?.getBoundingClientRect().top ?? 0) < SCROLLED_PX - 60 && window.scrollY > SCROLLED_PX,
    [],
  )
  const live = useFeed(
    organizationId,
    { direction: search.direction ?? null, table: search.table ?? null, recordId: search.record ?? null },
    isHeld,
  )
  useEvents(organizationId, (events: readonly ServerEvent[]) => live.take(events))
  const onSearch = useCallback(
    (change: ActivitySearch): void =>
      void navigate({ search: (old) => ({ ...old, ...change }), replace: true, resetScroll: false }),
    [navigate],
  )
  const canConnect = may(me, organizationId, 'connections.manage')
  const canManage = (id: string): boolean => may(me, organizationId, 'connections.manage', id)
  const panel = search.change
  // Where all stands below one another, a list that was asked for comes first.
  const aside = tab === 'activity' ? '' : 'max-lg:hidden'
  return (
    <main className="px-4 pb-16 md:px-6">
      <title>{`${tab === 'activity' ? '' : `${tabNames[tab]} · `}${organization.name} · Rowhouse`}</title>
      <Head organization={organization} />
      <AlertNotice organizationId={organizationId} />
      <div className="grid border-t border-line lg:grid-cols-[340px_minmax(0,1fr)]">
        <div className={`py-5 lg:border-r lg:border-line lg:pr-6 ${aside}`}>
          <ConnectOutcome connected={search.connected} connectError={search.connectError} />
          {connection === null ? (
            <Empty
              isFlush
              title="No CRM is connected."
              {...(canConnect && { action: <ConnectControl organizationId={organizationId} /> })}
              command={`CRM_ACCESS_TOKEN=… rowhouse connection add ${organization.slug} --connector hubspot`}
            >
              Connect one, and its records and yours stay in sync, both ways.
            </Empty>
          ) : (
            <ConnectionPanel
              key={connection.id}
              connection={connection}
              canManage={canManage(connection.id)}
              pending={live.feed.items.filter(({ status }) => status === 'pending').length}
            />
          )}
        </div>
        <div className={`min-w-0 py-5 lg:pl-6 ${tab === 'activity' ? 'max-lg:border-t max-lg:border-line' : ''}`}>
          {connection !== null && (
            <div className={aside}>
              <Charts connection={connection} items={live.feed.items} />
            </div>
          )}
          <div ref={top}>
            <Tabs organization={organization} tab={tab} />
          </div>
          <TabContent
            tab={tab}
            organization={organization}
            canManage={canManage}
            live={live}
            search={search}
            onSearch={onSearch}
          />
        </div>
      </div>
      {tab === 'activity' && panel !== undefined && (
        <ChangePanel
          organizationId={organizationId}
          seq={panel}
          known={live.feed.items.find(({ seq }) => seq === panel)}
          onClose={() => onSearch({ change: undefined })}
          onOpen={(change) => onSearch({ change })}
          onOnlyRecord={(record) => onSearch({ record, direction: undefined, table: undefined })}
        />
      )}
    </main>
  )
}

function Head({
  organization: { id, name, slug, plan, isolation, status, members, createdAt },
}: {
  organization: Organization
}): JSX.Element {
  return (
    <header className="flex items-start gap-4 py-6">
      <HouseMark isolation={isolation} large />
      <div className="min-w-0">
        <h1 className="flex flex-wrap items-center gap-x-3 text-xl font-semibold tracking-[-0.01em]">
          <span className="min-w-0 break-words">{name}</span>
          {status === 'suspended' && (
            <span className="text-sm font-normal">
              <Status tone="bad">Suspended: every request is refused</Status>
            </span>
          )}
        </h1>
        <p className="mt-1 flex flex-wrap items-center gap-x-4 gap-y-1 text-ink-2">
          <span>{isolationWords[isolation].meaning}</span>
          <span>{plan} plan</span>
          <span className="num">
            {formatCount(members)} {members === 1 ? 'member' : 'members'}
          </span>
          <span>since {formatDay(createdAt)}</span>
          <CopyId value={slug} label="slug" />
          <CopyId value={id} label="organization id" short />
        </p>
        <PlacementLine organizationId={id} />
      </div>
    </header>
  )
}

const tabNames: Record<Tab, string> = {
  activity: 'Activity',
  'dead-letters': 'Dead letters',
  conflicts: 'Conflicts',
  log: 'Log',
  load: 'Load',
  members: 'Members',
  settings: 'Settings',
}

function Tabs({
  organization: { id, connection, members },
  tab,
}: {
  organization: Organization
  tab: Tab
}): JSX.Element {
  const { data: alerts } = useQuery(organizationAlertsQuery(id))
  const list = useRef<HTMLElement>(null)
  // On a phone they are wider than the screen.
  useEffect(() => {
    const current = list.current?.querySelector<HTMLElement>('[aria-current=page]')
    if (current != null) list.current?.scrollTo({ left: current.offsetLeft - list.current.clientWidth / 2 })
  }, [tab])
  const counts: Record<Tab, number> = {
    activity: 0,
    'dead-letters': connection?.deadLetters ?? 0,
    conflicts: connection?.conflicts ?? 0,
    log: 0,
    load: alerts?.items.filter(({ closedAt }) => closedAt === null).length ?? 0,
    members,
    settings: 0,
  }
  return (
    <nav
      ref={list}
      aria-label="Sections"
      className="-mx-4 flex gap-4 overflow-x-auto border-b border-line px-4 md:mx-0 md:gap-5 md:px-0"
    >
      {tabs.map((one) => (
        <Link
          key={one}
          from="/organizations/$organizationId"
          to="."
          search={one === 'activity' ? {} : { tab: one }}
          replace
          resetScroll={false}
          activeOptions={{ exact: true, includeSearch: true }}
          aria-current={one === tab ? 'page' : undefined}
          className="-mb-px flex shrink-0 items-center gap-1.5 border-b-2 border-transparent py-2 text-ink-2 hover:text-ink aria-[current=page]:border-brick aria-[current=page]:font-medium aria-[current=page]:text-ink"
        >
          {tabNames[one]}
          {counts[one] > 0 && (
            <span className={`num text-xs ${one === 'members' ? 'text-ink-3' : 'font-medium text-warn'}`}>
              {formatCount(counts[one])}
            </span>
          )}
        </Link>
      ))}
    </nav>
  )
}

interface TabContentProps {
  readonly tab: Tab
  readonly organization: Organization
  /** By the id of a connection. */
  readonly canManage: (connectionId: string) => boolean
  readonly live: LiveFeed
  readonly search: ActivitySearch
  readonly onSearch: (change: ActivitySearch) => void
}

function TabContent({ tab, organization, canManage, live, search, onSearch }: TabContentProps): JSX.Element {
  const { id, connection } = organization
  switch (tab) {
    case 'dead-letters':
      return <DeadLetters organizationId={id} total={connection?.deadLetters ?? 0} canManage={canManage} />
    case 'conflicts':
      return <Conflicts organizationId={id} total={connection?.conflicts ?? 0} />
    case 'log':
      return <LogView organization={organization} live={live} search={search} onSearch={onSearch} />
    case 'load':
      return <LoadView organization={organization} search={search} onSearch={onSearch} />
    case 'members':
      return <Members organizationId={id} />
    case 'settings':
      return <SettingsView organization={organization} />
    case 'activity':
      return (
        <FeedView
          live={live}
          search={search}
          onSearch={onSearch}
          tables={[
            ...new Set([
              ...(connection?.objects.map(({ table }) => table) ?? []),
              ...live.feed.items.map(({ table }) => table),
            ]),
          ].sort()}
          remoteName={connectorWords(connection?.connector ?? null).name}
          isConnected={connection !== null}
        />
      )
  }
}
