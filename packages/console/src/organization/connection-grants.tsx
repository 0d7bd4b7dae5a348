// Who may see or manage this one connection, besides whoever may with all of them: shown to who may see members, given and
// taken back by who manages roles. What one may give is the server's to decide.
import type { Connection, ConnectionGrant } from '@rowhouse/contracts'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { JSX } from 'react'
import { client, grantsQuery, may, meQuery, membersQuery, queries, rolesQuery } from '../app/api.ts'
import { Field, fieldLook } from '../parts/field.tsx'
import { Opens } from '../parts/opens.tsx'
import { Button, Failure, Refused } from '../parts/parts.tsx'
import { TakeBack } from '../parts/take-back.tsx'

type Named = Pick<Connection, 'organizationId' | 'id'>

export function ConnectionGrants({ connection }: { connection: Named }): JSX.Element | null {
  const { organizationId, id } = connection
  const { data: me } = useQuery(meQuery)
  const mayRead = may(me, organizationId, 'members.read')
  const grants = useQuery({ ...grantsQuery(organizationId, id), enabled: mayRead })
  if (!mayRead) return null
  const mayGrant = may(me, organizationId, 'roles.manage')
  return (
    <section aria-labelledby="access">
      <h2 id="access" className="border-b border-line pb-1.5 font-semibold">
        Access
      </h2>
      {grants.isError ? (
        <div className="mt-3">
          <Failure error={grants.error} onRetry={() => void grants.refetch()} />
        </div>
      ) : (
        <ul aria-label="Granted for this connection">
          {(grants.data ?? []).map((grant) => (
            <Grant key={grant.id} connection={connection} grant={grant} mayRevoke={mayGrant} />
          ))}
        </ul>
      )}
      <p className="mt-2 text-xs text-ink-3">
        {grants.data?.length === 0 && 'Nobody was granted this connection alone. '}
        Whoever may manage all connections of the organization may manage this one.
      </p>
      {mayGrant && (
        <Opens className="mt-3" render={(close) => <GrantForm connection={connection} onDone={close} />}>
          Grant access
        </Opens>
      )}
    </section>
  )
}

const verbs: Readonly<Record<ConnectionGrant['permission'], string>> = {
  'connections.manage': 'manages it',
  'connections.read': 'sees it',
}

const renew = ({ organizationId, id }: Named): Promise<void> =>
  queries.invalidateQueries({ queryKey: grantsQuery(organizationId, id).queryKey })

function Grant({
  connection,
  grant,
  mayRevoke,
}: {
  connection: Named
  grant: ConnectionGrant
  mayRevoke: boolean
}): JSX.Element {
  const { email, id: grantId, name, permission, role } = grant
  const who = role === null ? (name ?? email ?? 'A member') : `Role ${role}`
  return (
    <li className="flex flex-wrap items-center gap-x-3 border-b border-line py-1">
      <p className="min-w-0 flex-1 break-words">
        <span className="font-medium">{who}</span> <span className="text-ink-2">{verbs[permission]}</span>
      </p>
      {mayRevoke && (
        <TakeBack
          label={`Take back: ${who} ${verbs[permission]}`}
          act={() =>
            client.revokeConnectionGrant({
              params: { organizationId: connection.organizationId, connectionId: connection.id, grantId },
            })
          }
          onDone={() => renew(connection)}
        />
      )}
    </li>
  )
}

function GrantForm({ connection, onDone }: { connection: Named; onDone: () => void }): JSX.Element {
  const { organizationId, id: connectionId } = connection
  const roles = useQuery(rolesQuery(organizationId))
  const members = useQuery(membersQuery(organizationId))
  const [who, setWho] = useState('')
  const [permission, setPermission] = useState<ConnectionGrant['permission']>('connections.manage')
  const grant = useMutation({
    mutationFn: () => {
      const [kind = '', value = ''] = who.split(/:(.*)/s)
      return client.grantConnection({
        params: { organizationId, connectionId },
        body: { permission, ...(kind === 'role' ? { role: value } : { userId: value }) },
      })
    },
    onSuccess: async () => {
      await renew(connection)
      onDone()
    },
  })
  return (
    <form
      aria-label="Grant access to this connection"
      className="mt-3 space-y-2 border-l-2 border-brick pl-3"
      onSubmit={(event) => {
        event.preventDefault()
        grant.mutate()
      }}
    >
      <Field
        name="Who"
        render={(tie) => (
          <select
            {...tie}
            required
            // oxlint-disable-next-line jsx-a11y/no-autofocus -- the form was opened to choose
            autoFocus
            className={fieldLook}
            value={who}
            onChange={({ target }) => setWho(target.value)}
          >
            <option value="">A role or a member</option>
            <optgroup label="Everybody with the role">
              {(roles.data ?? []).map(({ name }) => (
                <option key={name} value={`role:${name}`}>
                  {name}
                </option>
              ))}
            </optgroup>
            <optgroup label="One member">
              {(members.data?.items ?? []).map(({ email, name, userId }) => (
                <option key={userId} value={`user:${userId}`}>
                  {name ?? email ?? userId}
                </option>
              ))}
            </optgroup>
          </select>
        )}
      />
      <Field
        name="May"
        hint={
          permission === 'connections.manage'
            ? 'Pause, resume, connect again, replay, remove.'
            : 'Its state, its records’ conflicts and dead letters.'
        }
        render={(tie) => (
          <select
            {...tie}
            className={fieldLook}
            value={permission}
            onChange={({ target }) => setPermission(target.value as ConnectionGrant['permission'])}
          >
            <option value="connections.manage">manage it</option>
            <option value="connections.read">see it</option>
          </select>
        )}
      />
      <div className="flex gap-2 pt-1">
        <Button type="submit" look="primary" disabled={who === '' || grant.isPending}>
          {grant.isPending ? 'Granting…' : 'Grant'}
        </Button>
        <Button onClick={onDone}>Cancel</Button>
      </div>
      <Refused act={grant} />
    </form>
  )
}
