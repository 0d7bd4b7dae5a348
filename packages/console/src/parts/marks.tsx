// The picture language: the logo of three gables, the three houses of the isolation models, and the
// two letters of a connector. Drawn on a 4 px grid, in the colour of the text beside them.
import type { IsolationModel } from '@rowhouse/contracts'
import type { JSX } from 'react'
import { connectorWords, isolationWords } from '../words/connection.ts'

export function Logo(): JSX.Element {
  return (
    <svg viewBox="0 0 24 16" width="24" height="16" aria-hidden="true" className="text-brick">
      <path fill="currentColor" d="M1 16V6.5L4.67 2l3.66 4.5L12 2l3.67 4.5L19.33 2 23 6.5V16z" />
    </svg>
  )
}

/** Shared: one of a row · schema: a terrace with its own door · database: a house that stands alone. */
const houses: Record<IsolationModel, JSX.Element> = {
  shared: <path d="M1.5 14.5v-7L5 3.5l3.5 4 3.5-4 3.5 4 3.5-4 3.5 4v7z" />,
  schema: (
    <>
      <path d="M1.5 14.5v-7L5 3.5l3.5 4M22.5 14.5v-7L19 3.5l-3.5 4M1.5 14.5h7M15.5 14.5h7" opacity=".45" />
      <path d="M8.5 14.5v-7L12 3.5l3.5 4v7z" />
      <path d="M12 14.5v-4" strokeWidth="2" />
    </>
  ),
  database: (
    <>
      <path d="M6.5 14.5v-7L12 1.5l5.5 6v7z" />
      <path d="M12 14.5v-4" strokeWidth="2" />
      <path d="M1.5 14.5h3M19.5 14.5h3" opacity=".45" />
    </>
  ),
}

export function HouseMark({ isolation, large = false }: { isolation: IsolationModel; large?: boolean }): JSX.Element {
  const { word, meaning } = isolationWords[isolation]
  return (
    <svg
      viewBox="0 0 24 16"
      width={large ? 48 : 24}
      height={large ? 32 : 16}
      role="img"
      aria-label={`${word}: ${meaning.toLowerCase()}`}
      fill="none"
      stroke="currentColor"
      strokeWidth={large ? 1 : 1.25}
      strokeLinejoin="round"
      className="shrink-0 text-ink-2"
    >
      <title>{`${word}: ${meaning.toLowerCase()}`}</title>
      {houses[isolation]}
    </svg>
  )
}

export function ConnectorMark({ connector }: { connector: string | null }): JSX.Element {
  const { mark, name } = connectorWords(connector)
  return (
    <span
      title={name}
      className="inline-flex h-4 w-6 shrink-0 items-center justify-center rounded-xs border border-line-strong font-mono text-[10px] leading-none font-semibold text-ink-2"
    >
      <span aria-hidden="true">{mark}</span>
      <span className="sr-only">{name}</span>
    </span>
  )
}
