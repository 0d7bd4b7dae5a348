// A database of its own for a benchmark, made anew and installed, so that no run sees what another left.
import { install } from '@rowhouse/database'
import type { InstallResult } from '@rowhouse/database'
import { Client } from 'pg'

/** Of every benchmark's database: nothing outside of them knows it. */
export const SIGNING_KEY = 'a signing key that only this benchmark uses'

/** Drops the database of this name, makes it, installs Rowhouse; gives the URL of each login. */
export async function makeDatabase(adminUrl: string, name: string): Promise<InstallResult['urls']> {
  const admin = new Client(adminUrl)
  await admin.connect()
  await admin.query(`drop database if exists ${name} with (force)`)
  await admin.query(`create database ${name}`)
  await admin.end()
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  const { urls } = await install({ adminUrl: url.href, signingKey: SIGNING_KEY, resetLogins: true })
  return urls
}
