// The connection: whose account, how it is, what it has read, what it may still call, who may manage it.
import type { BudgetUse, Connection, ConnectionDetail } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { JSX } from 'react'
import { connectionQuery } from '../app/api.ts'
import { useNow } from '../live/now.ts'
import { ConnectorMark } from '../parts/marks.tsx'
import { useIsNarrow } from '../parts/narrow.ts'
import { Ago, Bar, Button, ConnectionStatus, CopyId, Failure } from '../parts/parts.tsx'
import { arrivalWords, connectorWords, stateWords } from '../words/connection.ts'
import { formatDuration, formatInterval } from '../words/duration.ts'
import { formatCount, percentOf, plural } from '../words/numbers.ts'
import { ReconnectControl } from './connect-control.tsx'
import { ConnectionGrants } from './connection-grants.tsx'
import { MappedFields } from './mapped-fields.tsx'
import { PauseControl } from './pause-control.tsx'
import { RemoveControl } from './remove-control.tsx'

const NEAR_LIMIT = 0.9

export interface ConnectionPanelProps {
  readonly connection: Connection
  readonly canManage: boolean
  /** Changes that wait to be delivered, as far as the page knows. */
  readonly pending: number
}

export function ConnectionPanel({ connection, canManage, pending }: ConnectionPanelProps): JSX.Element {
  const { account, accountName, state, stateReason, lastError, lastSyncedAt } = connection
  const isNarrow = useIsNarrow()
  const [isShown, setShown] = useState(false)
  return (
    <div className="space-y-6">
      <section aria-labelledby="connection">
        <h2 id="connection" className="flex items-center gap-2 font-semibold">
          <ConnectorMark connector={connection.connector} />
          {connectorWords(connection.connector).name}
        </h2>
        <p className="mt-0.5 break-words text-ink-2">
          {accountName ?? 'Account'} <CopyId value={account} label="account id" />
        </p>
        <p className="mt-3 font-medium" role="status">
          <ConnectionStatus state={state} />
        </p>
        <p className="mt-0.5 text-ink-2">{stateReason ?? stateWords[state].meaning}</p>
        {lastError !== null && state !== 'live' && (
          <p className="mt-1 text-xs text-ink-3">
            Last error <Ago at={lastError.at} />: {lastError.message} <span className="code">{lastError.code}</span>
          </p>
        )}
        <PauseControl connection={connection} canManage={canManage} pending={pending} />
        <ReconnectControl connection={connection} canManage={canManage} />
        <p className="mt-3 text-xs text-ink-3">
          {arrivalWords(connection)}
          {lastSyncedAt !== null && (
            <>
              {' '}
              Last synced <Ago at={lastSyncedAt} />.
            </>
          )}
        </p>
      </section>
      {isNarrow && !isShown ? (
        <Button onClick={() => setShown(true)}>Records, budget and access</Button>
      ) : (
        <Details connection={connection} canManage={canManage} />
      )}
    </div>
  )
}

/** On a phone they wait behind a button: what the organization's life is like comes first. */
function Details({ connection, canManage }: { connection: Connection; canManage: boolean }): JSX.Element {
  const detail = useQuery(connectionQuery(connection.organizationId, connection.id))
  return (
    <>
      <Objects connection={connection} />
      {detail.isError && detail.data === undefined ? (
        <Failure error={detail.error} onRetry={() => void detail.refetch()} />
      ) : (
        <Budgets budgets={detail.data?.budgets ?? []} />
      )}
      <ConnectionGrants connection={connection} />
      <RemoveControl connection={connection} canManage={canManage} />
    </>
  )
}

function Objects({ connection }: { connection: Connection }): JSX.Element | null {
  const { objects } = connection
  if (objects.length === 0) return null
  return (
    <section aria-labelledby="records">
      <h2 id="records" className="border-b border-line pb-1.5 font-semibold">
        Records
      </h2>
      <ul>
        {objects.map(({ object, table, records, backfilled, expected, backfillDone }) => (
          <li key={object} className="flex flex-wrap items-baseline gap-x-3 border-b border-line py-2">
            <span className="min-w-0 break-words">
              {object} <span className="text-ink-3">↔</span> <span className="code">{table}</span>
            </span>
            <MappedFields connection={connection} object={object} />
            <span className="num ml-auto">
              {backfillDone
                ? formatCount(records)
                : expected === null
                  ? `${formatCount(backfilled)} read`
                  : `${formatCount(backfilled)} of ${formatCount(expected)}`}
            </span>
            {!backfillDone && expected !== null && (
              <div className="mt-1.5 flex basis-full items-center gap-2">
                <span className="flex-1">
                  <Bar value={backfilled} limit={expected} label={`Backfill of ${object}`} tone="busy" />
                </span>
                <span className="num text-xs text-ink-3">{percentOf(backfilled, expected)} %</span>
              </div>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}

function budgetWords({ name: budget, kind, windowMs }: BudgetUse): string {
  const name = budget === 'default' ? 'calls' : budget
  if (kind === 'day') return `${name} since 00:00 UTC`
  if (kind === 'concurrent') return `${name} at once`
  return `${name} in ${windowMs === null ? 'the window' : formatInterval(windowMs).replace(/^second$/, '1 second')}`
}

function Budgets({ budgets }: Pick<ConnectionDetail, 'budgets'>): JSX.Element | null {
  const nowMs = useNow()
  if (budgets.length === 0) return null
  const closed = budgets.find(({ closedUntil }) => closedUntil !== null && Date.parse(closedUntil) > nowMs)
  return (
    <section aria-labelledby="budget">
      <h2 id="budget" className="border-b border-line pb-1.5 font-semibold">
        API budget
      </h2>
      {closed?.closedUntil != null && (
        <p className="mt-2 border-l-2 border-warn pl-2 text-xs text-ink-2">
          <strong className="font-semibold text-warn">The gate is closed.</strong> The CRM asked us to wait; calls go on
          in{' '}
          <span className="num">
            {formatDuration(Math.ceil((Date.parse(closed.closedUntil) - nowMs) / 1000) * 1000)}
          </span>
          . Nothing is lost.
        </p>
      )}
      <ul className="mt-2 space-y-2.5">
        {budgets.map((budget) => {
          const isNear = budget.used >= budget.limit * NEAR_LIMIT
          return (
            <li key={`${budget.name} ${budget.kind} ${budget.windowMs}`}>
              <p className="mb-1 flex justify-between gap-2 text-xs">
                <span className="text-ink-2">{budgetWords(budget)}</span>
                <span
                  className={`num ${isNear ? 'font-medium text-warn' : 'text-ink-2'}`}
                  title={plural(budget.limit - budget.used, 'call') + ' left'}
                >
                  {formatCount(budget.used)} / {formatCount(budget.limit)}
                </span>
              </p>
              <Bar
                value={budget.used}
                limit={budget.limit}
                label={budgetWords(budget)}
                tone={isNear ? 'warn' : 'ink'}
              />
            </li>
          )
        })}
      </ul>
    </section>
  )
}
