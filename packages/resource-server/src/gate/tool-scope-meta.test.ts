import { expect, it } from '@jest/globals';
import { toolScopeMeta } from './tool-scope-meta.ts';

it('says in _meta which scopes a tool needs, in a copy of the list', () => {
  const scopes = ['issues:read', 'issues:write'];
  const meta = toolScopeMeta(scopes);
  scopes.pop();
  expect(meta).toEqual({ securitySchemes: [{ type: 'oauth2', scopes: ['issues:read', 'issues:write'] }] });
});
