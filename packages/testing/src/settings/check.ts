import { CredenceError } from '@credence/core';
import { checkedElsewhere, cleanText, isAbsoluteUri, SCOPE_TOKEN } from '@credence/protocol';
import { z } from 'zod';
import type { FakeIdpOptions } from './options.ts';

const text = z.string().min(1, 'is empty');
const url = z.string().refine(isAbsoluteUri, 'is not an absolute URL');
const scopes = z.array(z.string().regex(SCOPE_TOKEN, 'is not a scope token (RFC 6749 section 3.3)'));
const name = z.string().regex(/^[\w.-]{1,64}$/u, 'is not a valid name: use letters, digits, "_", "-" and "."');
const callback = z.custom((value) => typeof value === 'function', 'is not a function');
const seconds = z.number().int().min(1);

const client = {
  clientId: text.optional(),
  secret: text.optional(),
  key: checkedElsewhere,
  isPublic: z.boolean().optional(),
};

const tool = z.strictObject({
  handler: callback,
  description: z.string().optional(),
  inputSchema: z.record(z.string(), z.unknown()).optional(),
  scopes: scopes.optional(),
});

const server = z
  .strictObject({
    url: url.optional(),
    issuer: url.optional(),
    tokenEndpoint: url.optional(),
    resource: text.optional(),
    audience: text.optional(),
    scopes: scopes.min(1, 'is empty: leave it out').optional(),
    tools: z.record(z.string(), z.union([callback, tool], 'is neither a function nor { handler, ... }')).optional(),
    handler: callback.optional(),
    singleUse: z.boolean().optional(),
    requireDpop: z.boolean().optional(),
  })
  .refine(({ tools, handler }) => tools === undefined || handler === undefined, {
    path: ['handler'],
    error: 'cannot be combined with tools',
  });

const LEGS = ['discover', 'authenticate', 'exchange', 'redeem', 'call', 'other'] as const;

const answer = z.union(
  [
    text,
    z.strictObject({
      status: z.number().int().min(200).max(599),
      headers: z.record(z.string(), z.string()).optional(),
      body: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
    }),
    z.strictObject({ members: z.record(z.string(), z.unknown()) }),
  ],
  'is neither an OAuth error nor { status, headers, body } nor { members }',
);

const refusal = z.strictObject({
  leg: z.enum(LEGS).optional(),
  server: name.optional(),
  principal: name.optional(),
  answer: answer.optional(),
});

const schema = z.strictObject({
  issuer: url.optional(),
  tokenEndpoint: url.optional(),
  servers: z
    .record(name, server)
    .refine((servers) => Object.keys(servers).length > 0, 'is empty: the principal needs a server'),
  principals: z
    .record(
      name,
      z.strictObject({
        ...client,
        grants: z.record(name, scopes).optional(),
        clients: z.record(name, z.strictObject(client)).optional(),
      }),
    )
    .refine((principals) => Object.keys(principals).length > 0, 'is empty'),
  refuse: z.array(refusal).optional(),
  revoke: z.record(name, z.strictObject({ afterCalls: z.number().int().min(0) })).optional(),
  expire: z
    .strictObject({
      accessTokenSeconds: seconds.optional(),
      idJagSeconds: seconds.max(3600).optional(),
      subjectTokenSeconds: seconds.optional(),
    })
    .optional(),
  clock: checkedElsewhere,
});

/** Throws a CredenceError `invalid_configuration` that names the first invalid option. */
export function checkOptions(options: FakeIdpOptions): void {
  const parsed = schema.safeParse(options, { jitless: true });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.map(String).join('.') ?? '';
    const problem = (issue?.message ?? 'is invalid').replace(/^Unrecognized keys?: /u, 'has an unknown option ');
    throw invalid(`${path === '' ? 'The options' : path} ${problem}`);
  }
  const { servers, principals, refuse = [], revoke = {} } = options;
  const known = (server: string | undefined, where: string): void => {
    if (server !== undefined && !Object.hasOwn(servers, server)) {
      throw invalid(`${where} names the server "${server}", which is not in servers`);
    }
  };
  for (const [principal, { grants = {}, clients = {} }] of Object.entries(principals)) {
    for (const server of Object.keys(grants)) known(server, `principals.${principal}.grants`);
    for (const server of Object.keys(clients)) known(server, `principals.${principal}.clients`);
  }
  for (const server of Object.keys(revoke)) known(server, 'revoke');
  for (const { server, principal } of refuse) {
    known(server, 'refuse');
    if (principal !== undefined && !Object.hasOwn(principals, principal)) {
      throw invalid(`refuse names the principal "${principal}", which is not in principals`);
    }
  }
}

/** A CredenceError for an invalid option or argument of `fakeIdp`. */
export function invalid(problem: string, remedy = 'Correct the options of fakeIdp.'): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `fakeIdp: ${cleanText(problem)}.`,
    remedy,
    contact: 'you',
  });
}
