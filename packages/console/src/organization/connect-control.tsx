// Connecting a CRM account, or giving a connection new credentials: the CRM's own page asks the person, and sends the
// browser back here with the outcome in the address.
import type { Connection, ErrorCode } from '@rowhouse/contracts'
import { errorCodes } from '@rowhouse/contracts'
import { useMutation, useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { client, connectorsQuery } from '../app/api.ts'
import { Button, Failure } from '../parts/parts.tsx'
import { ConnectorMark } from '../parts/marks.tsx'
import { connectorWords } from '../words/connection.ts'

const leaveFor = (organizationId: string, body: { connector: string; connectionId?: string }) => async () => {
  const { url } = await client.authorizeConnection({
    params: { organizationId },
    body: { ...body, returnTo: `/organizations/${organizationId}` },
  })
  window.location.assign(url)
}

/** A button for each CRM that can be connected by a click. */
export function ConnectControl({ organizationId }: { organizationId: string }): JSX.Element | null {
  const { data: connectors = [] } = useQuery(connectorsQuery)
  const offered = connectors.filter(({ canAuthorize }) => canAuthorize)
  if (offered.length === 0) return null
  return (
    <div className="flex flex-wrap gap-2">
      {offered.map(({ id, name }) => (
        <ConnectButton key={id} organizationId={organizationId} connector={id} name={name} />
      ))}
    </div>
  )
}

function ConnectButton({
  organizationId,
  connector,
  name,
}: {
  organizationId: string
  connector: string
  name: string
}): JSX.Element {
  const act = useMutation({ mutationFn: leaveFor(organizationId, { connector }) })
  return (
    <div>
      <Button disabled={act.isPending || act.isSuccess} onClick={() => act.mutate()}>
        <ConnectorMark connector={connector} />
        {act.isPending || act.isSuccess ? `Going to ${name}…` : `Connect ${name}`}
      </Button>
      {act.isError && (
        <div className="mt-3">
          <Failure error={act.error} />
        </div>
      )}
    </div>
  )
}

/** For a connection whose grant has died, or whose person has left. */
export function ReconnectControl({
  connection,
  canManage,
}: {
  connection: Connection
  canManage: boolean
}): JSX.Element | null {
  const { organizationId, id: connectionId, connector, state } = connection
  const { data: connectors = [] } = useQuery(connectorsQuery)
  const act = useMutation({ mutationFn: leaveFor(organizationId, { connector, connectionId }) })
  if (!canManage || state !== 'paused' || !connectors.some(({ id, canAuthorize }) => id === connector && canAuthorize))
    return null
  const { name } = connectorWords(connector)
  return (
    <div className="mt-3">
      <Button disabled={act.isPending || act.isSuccess} onClick={() => act.mutate()}>
        {act.isPending || act.isSuccess ? `Going to ${name}…` : `Connect ${name} again`}
      </Button>
      <p className="mt-1.5 text-xs text-ink-3">New credentials for the same account; nothing is read again.</p>
      {act.isError && (
        <div className="mt-3">
          <Failure error={act.error} />
        </div>
      )}
    </div>
  )
}

const known = (code: string): code is ErrorCode => Object.hasOwn(errorCodes, code)

/** What the consent at the CRM led to, after the browser came back. */
export function ConnectOutcome({
  connected,
  connectError,
}: {
  connected: string | undefined
  connectError: string | undefined
}): JSX.Element | null {
  if (connectError !== undefined && known(connectError)) {
    const { message, hint } = errorCodes[connectError]
    return (
      <div role="alert" className="mb-4 max-w-[64ch] border-l-2 border-bad py-1 pl-3">
        <p className="font-medium">{message}</p>
        <p className="mt-0.5 text-ink-2">{hint}</p>
        <p className="mt-1 text-xs text-ink-3">
          <span className="code">{connectError}</span>
        </p>
      </div>
    )
  }
  if (connected === undefined) return null
  return (
    <p role="status" className="mb-4 border-l-2 border-ok py-1 pl-3">
      Connected. Its records are being read now.
    </p>
  )
}
