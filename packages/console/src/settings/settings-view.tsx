// What is decided about an organization as a whole: how long its log is kept, where it lives and should, whether it is open.
import type { Organization } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { meQuery } from '../app/api.ts'
import { HomeView } from './home-view.tsx'
import { RetentionView } from './retention-view.tsx'
import { SuspensionView } from './suspension-view.tsx'

export function SettingsView({ organization }: { organization: Organization }): JSX.Element {
  const { data: me } = useQuery(meQuery)
  const isOperator = me?.actor.kind === 'operator'
  return (
    <div className="space-y-8 pt-5">
      <RetentionView organization={organization} />
      {isOperator && <HomeView organization={organization} />}
      {isOperator && <SuspensionView organization={organization} />}
    </div>
  )
}
