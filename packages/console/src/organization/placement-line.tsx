// Where the organization lives and where its plan wants it: for operators, to whom names of clusters mean something.
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { meQuery, placementQuery } from '../app/api.ts'
import { CopyId, Status } from '../parts/parts.tsx'
import { isolationWords } from '../words/connection.ts'

export function PlacementLine({ organizationId }: { organizationId: string }): JSX.Element | null {
  const { data: me } = useQuery(meQuery)
  const { data: placement } = useQuery({
    ...placementQuery(organizationId),
    enabled: me?.actor.kind === 'operator',
  })
  if (placement === undefined) return null
  const { cluster, region, databaseName, schemaName, isolation, state, wanted } = placement
  const place = isolation === 'database' ? databaseName : isolation === 'schema' ? schemaName : null
  return (
    <p className="mt-1 flex flex-wrap items-center gap-x-4 gap-y-1 text-ink-2">
      <span>
        on cluster <span className="code">{cluster}</span>, region {region}
      </span>
      {place !== null && <CopyId value={place} label={isolation} />}
      {state !== 'active' && (
        <Status tone="busy">{state === 'placing' ? 'Its home is being made' : 'Being moved'}</Status>
      )}
      {wanted !== null && (
        <span title="A move closes the difference.">
          <Status tone="warn">
            wants{' '}
            {[
              wanted.isolation === null ? null : isolationWords[wanted.isolation].meaning.toLowerCase(),
              wanted.cluster === null ? null : `to be on ${wanted.cluster}`,
            ]
              .filter((word) => word !== null)
              .join(', ')}
          </Status>
        </span>
      )}
    </p>
  )
}
