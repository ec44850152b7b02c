import { describe, expect, it } from '@jest/globals';
import type { Refusal } from './oauth-error-response.ts';
import { refusal } from './refusal.ts';

const base = { status: 400, issuer: 'https://as.example', clientId: 'bot', option: 'servers.notes.credential' };
const atIdp: Refusal = { ...base, leg: 'exchange', grant: 'token exchange', server: 'notes', error: 'invalid_request' };
const own: Refusal = { ...base, leg: 'authenticate', grant: 'client_credentials', error: 'invalid_request' };
const redeemed: Refusal = { ...atIdp, leg: 'redeem', grant: 'jwt-bearer' };
const direct: Refusal = { ...redeemed, grant: 'client_credentials', usesIdp: false };

const WITHOUT = ['assertion'];
const ALL = ['assertion', 'resource', 'scope', 'audience'];

describe('the remedy names the option', () => {
  it.each<[string, Refusal, string]>([
    [
      'Entra refuses the parameter resource',
      {
        ...direct,
        errorDescription: "AADSTS901002: The 'resource' request parameter is not supported. Trace ID: 1",
        sent: ['resource', 'scope'],
      },
      "set servers.notes.resourceParameter: 'omit'",
    ],
    [
      'Entra refuses a resource that does not match the scope',
      {
        ...direct,
        errorDescription:
          "AADSTS9010010: The resource parameter provided in the request doesn't match with the requested scopes.",
        sent: ['resource', 'scope'],
      },
      "set servers.notes.resourceParameter: 'omit'",
    ],
    [
      'a server does not know the parameter resource',
      { ...redeemed, errorDescription: 'Unknown parameter: resource', sent: ALL },
      "resourceParameter: 'omit'",
    ],
    [
      'a server does not recognise the parameter',
      { ...redeemed, errorDescription: 'unrecognized request argument supplied: resource', sent: ALL },
      "resourceParameter: 'omit'",
    ],
    [
      'a server has no resource indicators',
      { ...direct, errorDescription: 'Resource indicators are not supported.', sent: ALL },
      "resourceParameter: 'omit'",
    ],
    [
      'a server refuses the parameter scope with an ID-JAG',
      { ...redeemed, errorDescription: 'the scope parameter is not allowed here', sent: ALL },
      "set servers.notes.redeemScope: 'omit'",
    ],
    [
      'the IdP requires a scope (invalid_scope)',
      { ...atIdp, error: 'invalid_scope', sent: WITHOUT },
      'configure servers.notes.scopes',
    ],
    [
      'the IdP requires a scope',
      { ...atIdp, errorDescription: "The 'scope' parameter is required.", sent: WITHOUT },
      'configure servers.notes.scopes',
    ],
    [
      'the IdP finds no scope',
      { ...atIdp, errorDescription: 'scope must not be empty', sent: WITHOUT },
      'configure servers.notes.scopes',
    ],
    [
      'Entra requires a scope',
      {
        ...direct,
        errorDescription: "AADSTS900144: The request body must contain the following parameter: 'scope'.",
        sent: WITHOUT,
      },
      'configure servers.notes.scopes',
    ],
    [
      'Entra requires a default scope',
      {
        ...direct,
        error: 'invalid_scope',
        errorDescription:
          'AADSTS1002012: The provided value for scope api://x/read is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier.',
        sent: ALL,
      },
      '/.default',
    ],
    [
      'Auth0 requires an audience',
      {
        ...direct,
        error: 'access_denied',
        errorDescription: 'No audience parameter was provided, and no default audience has been configured',
        sent: WITHOUT,
      },
      'set servers.notes.audience',
    ],
    [
      'the token of the principal needs a scope',
      { ...own, error: 'invalid_scope', sent: [] },
      'set ownToken({ scope })',
    ],
    [
      'the token of the principal needs an audience',
      { ...own, errorDescription: 'audience is required', sent: [] },
      'set ownToken({ audience })',
    ],
    [
      'the token of the principal takes no resource',
      { ...own, errorDescription: 'unsupported parameter: resource', sent: ['resource'] },
      'leave out ownToken({ resource })',
    ],
  ])('if %s, and the contact is you', (_when, answer, option) => {
    const { remedy, contact } = refusal(answer);
    expect(remedy.split('. ')[0]).toContain(option);
    expect(contact).toBe('you');
  });

  it.each([
    'The scope parameter is mandatory.',
    'scope must be supplied',
    'you have to provide a scope',
    'Please specify a scope',
    'scope was omitted',
    'a scope has to be given',
    'Scope parameter not found in request',
    'Scope is necessary for this grant',
    'Expected parameter scope',
    'the scope is null',
  ])('if a scope is missing: %s', (errorDescription) => {
    const { remedy, contact } = refusal({ ...atIdp, errorDescription, sent: WITHOUT });
    expect(remedy).toContain('configure servers.notes.scopes');
    expect(contact).toBe('you');
  });

  it.each(['audience is mandatory', 'An audience must be supplied', 'you have to provide an audience'])(
    'if an audience is missing: %s',
    (errorDescription) => {
      expect(refusal({ ...direct, errorDescription, sent: WITHOUT }).remedy).toContain('set servers.notes.audience');
    },
  );

  it.each([
    'Parameter scope is forbidden for this grant type',
    'scope must not be sent with an assertion',
    'scope is not allowed for this grant type',
    'scope cannot be used with an assertion',
    'The field scope is prohibited',
    'The request must not contain a scope',
    'Unrecognized parameter: scope',
    'extraneous parameter scope',
  ])('if the scope of an ID-JAG is refused as a parameter: %s', (errorDescription) => {
    const { remedy, contact } = refusal({ ...redeemed, errorDescription, sent: ALL });
    expect(remedy).toMatch(/^https:\/\/as\.example does not accept the parameter "scope"/u);
    expect(remedy).toContain("redeemScope: 'omit'");
    expect(contact).toBe('you');
  });

  it.each([
    'The resource parameter is forbidden',
    'resource must not be present',
    'resource is not supported by this endpoint',
  ])('if the resource is refused as a parameter: %s', (errorDescription) => {
    expect(refusal({ ...direct, errorDescription, sent: ALL }).remedy).toContain("resourceParameter: 'omit'");
  });

  it.each([
    ['invalid_target', 'resource indicator is missing, or unknown'],
    ['invalid_target', undefined],
  ])('at the end if the authorization server does not know the resource (%s %s)', (error, errorDescription) => {
    for (const answer of [direct, redeemed]) {
      expect(refusal({ ...answer, error, errorDescription, sent: ALL })).toMatchObject({
        code: 'invalid_target',
        remedy: expect.stringContaining("set servers.notes.resourceParameter: 'omit'"),
      });
    }
    expect(refusal({ ...atIdp, error, errorDescription, sent: ALL }).remedy).not.toContain('resourceParameter');
  });

  it('if the resource was left out by the option, and is missing', () => {
    const answer = {
      ...direct,
      error: 'invalid_target',
      errorDescription: 'resource indicator is missing, or unknown',
    };
    expect(refusal({ ...answer, sent: WITHOUT })).toMatchObject({
      contact: 'you',
      remedy: expect.stringContaining("remove servers.notes.resourceParameter: 'omit'"),
    });
  });

  it.each([
    ['invalid_request', 'requested grant type is not allowed for this client', 'unauthorized_client'],
    ['invalid_client_metadata', 'grant_types can only contain members', 'unauthorized_client'],
    ['invalid_request', 'this client is not authorized to use the grant type', 'unauthorized_client'],
  ])('of the grant if %s says: %s', (error, errorDescription, code) => {
    const { code: found, remedy } = refusal({ ...direct, error, errorDescription, sent: ALL });
    expect(found).toBe(code);
    expect(remedy).toContain('client_credentials grant');
  });

  it('also at the end if an authorization server refuses the scope of an ID-JAG, or the IdP does not say what is malformed', () => {
    expect(refusal({ ...redeemed, error: 'invalid_scope', sent: ALL })).toMatchObject({
      contact: 'server-owner',
      remedy: expect.stringContaining("servers.notes.redeemScope: 'omit'"),
    });
    expect(refusal({ ...atIdp, sent: WITHOUT })).toMatchObject({
      contact: 'idp-admin',
      remedy: expect.stringContaining('configure servers.notes.scopes'),
    });
  });
});

describe('the remedy does not name an option', () => {
  it.each<[string, Refusal]>([
    ['the parameter was not sent', { ...direct, errorDescription: 'Unknown parameter: resource', sent: WITHOUT }],
    ['the scope was sent', { ...atIdp, errorDescription: 'the scope is required to be known', sent: ALL }],
    [
      'a claim of the assertion is missing',
      {
        ...direct,
        error: 'invalid_client',
        errorDescription: 'the assertion is missing the audience claim',
        sent: WITHOUT,
      },
    ],
    [
      'the exchange always contains the resource',
      { ...atIdp, errorDescription: 'Unknown parameter: resource', sent: ALL },
    ],
    ['the scope is forbidden', { ...redeemed, errorDescription: 'the scope read is forbidden to you', sent: ALL }],
    ['the scope is not allowed', { ...redeemed, errorDescription: 'scope read not allowed', sent: ALL }],
    ['nothing is said', { ...direct, sent: ALL }],
  ])('if %s', (_when, answer) => {
    expect(refusal(answer).remedy).not.toMatch(/resourceParameter|redeemScope|servers\.notes\.(?:scopes|audience)/u);
  });

  it('first if the value of the resource is refused', () => {
    const answer = {
      ...direct,
      error: 'invalid_target',
      errorDescription: 'unknown resource parameter value',
      sent: ALL,
    };
    expect(refusal(answer)).toMatchObject({
      contact: 'server-owner',
      remedy: expect.stringMatching(/^Check servers\.notes\.url/u),
    });
  });

  it('slowly if the description is long', () => {
    const started = performance.now();
    refusal({ ...direct, errorDescription: 'scope parameter '.repeat(20_000), sent: ALL });
    expect(performance.now() - started).toBeLessThan(250);
  });
});
