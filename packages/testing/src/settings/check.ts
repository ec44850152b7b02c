import { CredenceError } from '@credence/core';
import { checkedElsewhere, cleanText, isAbsoluteUri, SCOPE_TOKEN } from '@credence/protocol';
import { z } from 'zod';
import { FAKE_LEGS } from './leg.ts';
import type { FakeIdpOptions, StandingRefusal } from './options.ts';
import { problemOf } from './problem.ts';

const text = z.string().min(1, 'is empty');
const url = z.string().refine(isAbsoluteUri, 'is not an absolute URL');
const scopes = z.array(z.string().regex(SCOPE_TOKEN, 'is not a scope token (RFC 6749 section 3.3)'));
const name = z.string();
const NAME = /^[\w.-]{1,64}$/u;
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
  leg: z.enum(FAKE_LEGS).optional(),
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
  refuse: z.preprocess(asList, z.array(refusal)).optional(),
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
  checkNames(options);
  const parsed = schema.safeParse(options, { jitless: true });
  if (!parsed.success) throw invalid(problemOf(parsed.error, 'the options'));
  const { servers, principals, refuse, revoke = {} } = options;
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
  for (const { server, principal } of refusalsOf(refuse)) {
    known(server, 'refuse');
    if (principal !== undefined && !Object.hasOwn(principals, principal)) {
      throw invalid(`refuse names the principal "${principal}", which is not in principals`);
    }
  }
}

/** Throws a CredenceError `invalid_configuration` for an invalid argument of `idp.refuse`. */
export function checkRefusal(given: StandingRefusal): void {
  const parsed = refusal.safeParse(given, { jitless: true });
  if (!parsed.success) throw invalid(problemOf(parsed.error, 'the argument of refuse'), 'Correct the argument.');
}

/** Throws a CredenceError `invalid_configuration` for a leg that does not exist. */
export function checkLeg(leg: unknown, where: string): void {
  if (FAKE_LEGS.some((known) => known === leg)) return;
  throw invalid(
    `${where} names the leg "${String(leg)}", which does not exist`,
    `Use one of: ${FAKE_LEGS.join(', ')}.`,
  );
}

/** The refusals of the option `refuse`. */
export function refusalsOf(refuse: FakeIdpOptions['refuse'] = []): readonly StandingRefusal[] {
  return isList(refuse) ? refuse : [refuse];
}

function isList(refuse: NonNullable<FakeIdpOptions['refuse']>): refuse is readonly StandingRefusal[] {
  return Array.isArray(refuse);
}

function asList(value: unknown): unknown {
  return value === undefined || Array.isArray(value) ? value : [value];
}

/** Checked before the schema, which drops the name __proto__. */
function checkNames(options: unknown): void {
  if (typeof options !== 'object' || options === null) return;
  for (const option of ['servers', 'principals'] as const) {
    const given: unknown = option in options ? options[option as keyof typeof options] : undefined;
    if (typeof given !== 'object' || given === null || Array.isArray(given)) continue;
    const wrong = Object.keys(given).find((each) => !NAME.test(each) || each === '__proto__');
    if (wrong === undefined) continue;
    throw invalid(
      `${option} has the name "${wrong}", which is not valid`,
      'Use 1 to 64 letters, digits, "_", "-" and ".". __proto__ cannot be a name.',
    );
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
