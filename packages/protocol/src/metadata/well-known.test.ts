import { expect, it } from '@jest/globals';
import { authorizationServerUrls, protectedResourceUrls } from './well-known.ts';

it.each([
  ['https://s.example', ['https://s.example/.well-known/oauth-protected-resource']],
  ['https://s.example/', ['https://s.example/.well-known/oauth-protected-resource']],
  [
    'https://s.example:8443/mcp',
    [
      'https://s.example:8443/.well-known/oauth-protected-resource/mcp',
      'https://s.example:8443/.well-known/oauth-protected-resource',
    ],
  ],
  [
    'https://s.example/a/b/?tenant=1',
    [
      'https://s.example/.well-known/oauth-protected-resource/a/b?tenant=1',
      'https://s.example/.well-known/oauth-protected-resource',
    ],
  ],
])('the metadata URLs of the resource %s have the path inserted, then no path', (resource, urls) => {
  expect(protectedResourceUrls(new URL(resource))).toEqual(urls);
});

it.each([
  [
    'https://as.example',
    [
      'https://as.example/.well-known/oauth-authorization-server',
      'https://as.example/.well-known/openid-configuration',
    ],
  ],
  [
    'https://as.example/',
    [
      'https://as.example/.well-known/oauth-authorization-server',
      'https://as.example/.well-known/openid-configuration',
    ],
  ],
  [
    'https://as.example/realms/acme',
    [
      'https://as.example/.well-known/oauth-authorization-server/realms/acme',
      'https://as.example/.well-known/openid-configuration/realms/acme',
      'https://as.example/realms/acme/.well-known/openid-configuration',
    ],
  ],
  [
    'https://as.example/t/',
    [
      'https://as.example/.well-known/oauth-authorization-server/t',
      'https://as.example/.well-known/openid-configuration/t',
      'https://as.example/t/.well-known/openid-configuration',
    ],
  ],
])(
  'the metadata URLs of the issuer %s are those of RFC 8414, then those of OpenID Connect Discovery',
  (issuer, urls) => {
    expect(authorizationServerUrls(new URL(issuer))).toEqual(urls);
  },
);
