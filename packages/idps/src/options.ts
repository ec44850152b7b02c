import type { McpServerOptions, SubjectTokenSource, WorkloadTokenSource } from '@credence/core';
import { judgeConfiguredUrl, parsedUrl } from '@credence/protocol';
import { z } from 'zod';
import { invalid } from './errors.ts';

/** Options of an MCP server that every preset takes and passes on unchanged. */
export interface PresetServerOptions extends Pick<
  McpServerOptions,
  'url' | 'scopes' | 'stepUp' | 'resource' | 'authorizationDetails' | 'excessScopes' | 'dpop' | 'limits'
> {}

export const text = z
  .string({ error: 'is missing or not a text' })
  .refine((value) => value.trim() !== '' && value === value.trim(), 'is empty, or begins or ends with a space');

/** Only the types are checked: `ServicePrincipal` checks the values of these options. */
export const serverShape = {
  url: text,
  scopes: z.array(z.string()).readonly().optional(),
  stepUp: z.array(z.string()).readonly().optional(),
  resource: text.optional(),
  authorizationDetails: z.array(z.record(z.string(), z.unknown())).readonly().optional(),
  excessScopes: z.enum(['refuse', 'accept']).optional(),
  dpop: z.custom<NonNullable<McpServerOptions['dpop']>>().optional(),
  limits: z.custom<NonNullable<McpServerOptions['limits']>>().optional(),
};

export const subjectSource = z.custom<SubjectTokenSource>(
  (value) =>
    typeof value === 'object' && value !== null && 'get' in value && typeof value.get === 'function' && 'type' in value,
  'is not a source of subject tokens: use fromIdToken, fromRefreshToken or ownToken',
);

/** Whether the value is a platform, as those of `@credence/platforms`. */
export function isPlatform(value: unknown): value is WorkloadTokenSource {
  return typeof value === 'object' && value !== null && 'getToken' in value && typeof value.getToken === 'function';
}

/** A platform, a function or a file, as `clientAssertion` takes it. */
export function isAssertionSource(value: unknown): boolean {
  const isFile = typeof value === 'object' && value !== null && 'file' in value && typeof value.file === 'string';
  return typeof value === 'function' || isFile || isPlatform(value);
}

/** Checks the options of a preset. Throws `invalid_configuration`; the message names the option and contains no value. */
export function checked<Output>(preset: string, schema: z.ZodType<Output>, options: unknown): Output {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  if (unknown !== undefined) {
    throw invalid(`${preset} has no option "${unknown}".`, 'Check the spelling of the option, or remove it.');
  }
  const path = issue?.path.join('.') ?? '';
  throw invalid(
    path === '' ? `The options of ${preset} are not an object.` : `${preset}: the option ${path} ${issue?.message}.`,
    `Correct the options of ${preset}; docs/idps.md has an example for each identity provider.`,
  );
}

/**
 * The base URL for a host name (`acme.okta.com`) or an https URL, without a slash at its end. Plain http is for loopback. Throws
 * `invalid_configuration`.
 */
export function baseUrl(option: string, value: string, { withPath = false } = {}): string {
  const isUrl = /^[a-z][a-z\d+.-]*:\/\//iu.test(value);
  const url =
    isUrl || /^[a-z\d.-]+(?::\d+)?$/iu.test(value) ? parsedUrl(isUrl ? value : `https://${value}`) : undefined;
  const isRoot = url?.pathname === '/';
  const example = withPath ? 'https://sso.example.com/auth' : 'example.com';
  if (!url || url.search !== '' || url.hash !== '' || (!withPath && !isRoot)) {
    throw invalid(`${option} is neither a host name nor a base URL.`, `Set ${option} to a value such as ${example}.`);
  }
  if (judgeConfiguredUrl(url.href).fault !== undefined) {
    throw invalid(
      `${option} is not an https URL, or it contains a user name.`,
      `Set ${option} to an https URL; http is only for loopback.`,
    );
  }
  return `${url.origin}${isRoot ? '' : url.pathname.replace(/\/+$/u, '')}`;
}
