import { type AccessToken, CredenceError } from '@credence/core';

/** For a client that does not send a request again after a 401. A framework may show only the message, so it contains the remedy. */
export function needsFetchOfPrincipal(server: string): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `This client cannot use an auth provider for server "${server}": its calls would fail when a token is revoked. Pass fetch: bot.fetchFor('${server}') to it instead.`,
    remedy: `Pass fetch: bot.fetchFor('${server}') to the client, or the entry of mcpServersConfig(bot) for it, and no authProvider.`,
    contact: 'you',
    server,
  });
}

/** For a call whose token was replaced, in a client that cannot send the call again. */
export function replacedForNextCall(server: string): CredenceError {
  return new CredenceError({
    code: 'token_refused',
    leg: 'call',
    message: `Server "${server}" refused a token. It was replaced, but this client cannot send the call again.`,
    remedy: `Call again, or pass fetch: bot.fetchFor('${server}') to the client instead of an auth provider.`,
    contact: 'you',
    server,
    status: 401,
    retryable: true,
  });
}

/** For a principal of `fakeIdp`. A framework may show only the message, so it contains the remedy. */
export function needsMemory(server: string): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `This principal has the fetch or the clock of fakeIdp, and a client with an auth provider would send its requests for server "${server}" to the network. Pass fetch: bot.fetchFor('${server}') to the client instead.`,
    remedy: `In the test, pass fetch: bot.fetchFor('${server}') to the client, and no authProvider. A client that takes no fetch can be tested with the sandbox.`,
    contact: 'you',
    server,
  });
}

export function needsKey({ server, issuer }: AccessToken): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `The tokens of server "${server}" are bound to a key (DPoP), and an auth provider can send bearer tokens only.`,
    remedy: 'Use connectMcp or mcpTransport, whose fetch signs each request.',
    contact: 'you',
    server,
    issuer,
  });
}

export function refusedAgain(server: string): CredenceError {
  return new CredenceError({
    code: 'token_refused',
    leg: 'call',
    message: `Server "${server}" answers 401 to one token after another for the same request.`,
    remedy: `Ask the owner of server "${server}" which tokens it accepts for this request, because it accepts the tokens for other requests.`,
    contact: 'server-owner',
    server,
    status: 401,
  });
}
