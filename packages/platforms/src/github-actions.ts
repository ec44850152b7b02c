import type { FetchLike } from '@credence/protocol';
import { z } from 'zod';
import { incomplete, tokenUnavailable } from './errors.ts';
import { textFromPlatform, urlFault } from './http.ts';
import { jwtFrom } from './jwt.ts';
import { checkOptions, environment, fetchFunction, milliseconds, variable } from './options.ts';
import type { Environment, Platform } from './platform.ts';

/** Options of `githubActions`. */
export interface GithubActionsOptions {
  /** The time limit of a request, in milliseconds. Default: 5000. */
  timeoutMs?: number;
  /** Sends the requests to GitHub. Default: the global fetch. */
  fetch?: FetchLike;
  /** The environment variables. Default: `process.env`. */
  env?: Environment;
}

const PLATFORM = 'githubActions';
const URL_VARIABLE = 'ACTIONS_ID_TOKEN_REQUEST_URL';
const TOKEN_VARIABLE = 'ACTIONS_ID_TOKEN_REQUEST_TOKEN';
const schema = z.strictObject({ timeoutMs: milliseconds, fetch: fetchFunction, env: environment });
const FORKS =
  'A workflow that a pull request of a fork starts (pull_request) gets no token. A workflow of pull_request_target gets one of the base repository: it must not run code of the fork.';
const REMEDY = `Add to the workflow or to the job: permissions: { id-token: write }. ${FORKS}`;

/**
 * The OIDC token of a job of GitHub Actions, for each audience that is requested. The job needs `permissions: id-token: write`; a job
 * without it is half-configured, so `detect` throws `invalid_configuration`. A token lives for some minutes, and the job can request
 * another one at any time.
 *
 * `sub` is `repo:OWNER/REPO:ref:refs/heads/BRANCH`. For repositories that were created, renamed or transferred after 15 July 2026, or
 * that have opted in, it carries the numeric ids: `repo:OWNER@OWNER-ID/REPO@REPO-ID:ref:refs/heads/BRANCH`.
 *
 * @example
 * <!-- from examples/github-actions.ts#bot -->
 * ```ts
 * issues: {
 *   url,
 *   issuer, // the audience of the token that is requested from GitHub
 *   flow: 'workload-identity',
 *   credential: noClientAuth(),
 *   assertion: fromWorkloadToken(githubActions({ env })),
 * },
 * ```
 */
export function githubActions(options: GithubActionsOptions = {}): Platform {
  checkOptions(PLATFORM, schema, options);
  const { timeoutMs, fetch, env = process.env } = options;
  return {
    platform: PLATFORM,
    audience: 'any',
    renewable: true,
    local: false,
    claims: {
      iss: 'https://token.actions.githubusercontent.com; on an Enterprise Server https://HOSTNAME/_services/token',
      sub: 'repo:OWNER/REPO:ref:refs/heads/BRANCH, or repo:OWNER@OWNER-ID/REPO@REPO-ID:ref:refs/heads/BRANCH for newer repositories; environment:NAME or pull_request in place of ref:... for such jobs',
    },
    forks: FORKS,
    async getToken({ audience, signal }) {
      const { url, token } = requestOf(env);
      const text = await textFromPlatform({
        platform: PLATFORM,
        url: `${url}${url.includes('?') ? '&' : '?'}audience=${encodeURIComponent(audience)}`,
        headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
        field: 'value',
        fetch,
        timeoutMs,
        signal,
        remedy: remedyFor,
      });
      return jwtFrom(text, { platform: PLATFORM, from: 'the answer of GitHub', remedy: remedyFor(200), audience });
    },
    async detect() {
      const isHere = variable(env, URL_VARIABLE) ?? variable(env, TOKEN_VARIABLE) ?? variable(env, 'GITHUB_ACTIONS');
      if (isHere === undefined || isHere === 'false') {
        return { here: false, why: 'The variable GITHUB_ACTIONS, which GitHub Actions sets, is not set.' };
      }
      const fault = faultOf(env);
      if (fault !== undefined) throw incomplete(PLATFORM, fault, REMEDY);
      return { here: true };
    },
  };
}

/** What the variables of the job lack, or undefined. */
function faultOf(env: Environment): string | undefined {
  const missing = [URL_VARIABLE, TOKEN_VARIABLE].filter((name) => variable(env, name) === undefined);
  if (missing.length > 0) {
    return `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set, so the job may not request a token.`;
  }
  const fault = urlFault(variable(env, URL_VARIABLE) ?? '');
  return fault === undefined ? undefined : `${URL_VARIABLE} ${fault}.`;
}

function requestOf(env: Environment): { url: string; token: string } {
  const fault = faultOf(env);
  if (fault !== undefined) throw tokenUnavailable(PLATFORM, fault, REMEDY);
  return { url: variable(env, URL_VARIABLE) ?? '', token: variable(env, TOKEN_VARIABLE) ?? '' };
}

function remedyFor(status: number | undefined): string {
  if (status === 401 || status === 403) return `The job's right to request tokens has ended or is missing. ${REMEDY}`;
  return 'Check the status of GitHub Actions, and that the runner reaches it without a proxy that changes answers.';
}
