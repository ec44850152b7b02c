import { scope } from '@credence/protocol';
import { z } from 'zod';
import { usersSchema } from '../users/options.ts';
import { invalidConfiguration } from '../invalid-configuration.ts';

const url = z.union([z.string().min(1), z.instanceof(URL)], 'is neither a text nor a URL');
const isFunction = (value: unknown) => typeof value === 'function';
const mcpServer = z.custom(
  (value) =>
    isFunction(value) || (typeof value === 'object' && value !== null && 'fetch' in value && isFunction(value.fetch)),
  'is neither a function that creates an MCP server nor an object with a function fetch',
);
const scopes = z.array(scope).min(1);
const tool = z.custom(
  (value) => typeof value === 'object' && value !== null && 'run' in value && isFunction(value.run) && 'input' in value,
  'is not a tool: make it with sandboxTool({ name, scope, description, run })',
);

const toolScopes = z.record(z.string(), z.union([scope, scopes], 'is neither a scope nor a list of scopes'));

const server = z.strictObject({
  mcpServer: mcpServer.optional(),
  module: url.optional(),
  url: url.optional(),
  gate: z.enum(['sandbox', 'own']).optional(),
  // by the kind of the value, so that the message is about the wrong tool and not about both kinds
  tools: z
    .unknown()
    .transform((value, context) => {
      const parsed = (Array.isArray(value) ? z.array(tool) : toolScopes).safeParse(value);
      for (const { path, message } of parsed.error?.issues ?? []) context.addIssue({ code: 'custom', path, message });
      return value;
    })
    .optional(),
  scopes: scopes.optional(),
  challengeScope: scope.optional(),
  authorizationServer: z.string().optional(),
  title: z.string().optional(),
  instructions: z.string().optional(),
});

const principal = z.strictObject({
  credential: z.enum(['private-key', 'secret']).optional(),
  privateKey: z.union([z.string().min(1), z.looseObject({ kty: z.string() })], 'is neither PEM nor a JWK').optional(),
  keyId: z.string().min(1).optional(),
  // RFC 6749 appendix A.2
  secret: z
    .string()
    .regex(/^[\u0020-\u007e]+$/u, 'has a character other than printable ASCII')
    .optional(),
  disabled: z.boolean().optional(),
});

const grant = z.union([
  z.array(scope),
  z.strictObject({ default: z.array(scope).optional(), onRequest: z.array(scope).optional() }),
]);

const world = z.strictObject({
  servers: z.record(z.string(), server).optional(),
  mcpServer: z.union([mcpServer, url], 'is neither a function, an object with a function fetch, nor a URL').optional(),
  principals: z.record(z.string(), principal).optional(),
  groups: z.record(z.string(), z.array(z.string())).optional(),
  grants: z.record(z.string(), z.record(z.string(), grant)).optional(),
  users: usersSchema.optional(),
});

/** The names of the options that this file checks. */
export const WORLD_OPTIONS = Object.keys(world.shape);

/** @throws CredenceError `invalid_configuration` that names the option, without its value: it can be a key. */
export function checkShape(given: unknown): void {
  const parsed = world.safeParse(given);
  if (parsed.success) return;
  const [issue] = parsed.error.issues;
  const path = issue?.path.map(String).join('.') ?? '';
  throw invalidConfiguration(
    `The option ${path === '' ? '' : `${path} `}of startSandbox is invalid: ${issue?.message ?? 'not an object'}.`,
    'Correct the option that the message names.',
  );
}
