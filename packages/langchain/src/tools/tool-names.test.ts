import { describe, expect, it } from '@jest/globals';
import { ToolNames } from './tool-names.ts';

describe('ToolNames', () => {
  it('joins server and tool', () => {
    expect(new ToolNames().nameOf('linear', 'create_issue')).toBe('linear__create_issue');
  });

  it('replaces what no model provider takes', () => {
    expect(new ToolNames().nameOf('mcp.linear.app/eu', 'issues/create')).toBe('mcp_linear_app_eu__issues_create');
  });

  it('tells tools apart whose names become the same, by the same name in every run', () => {
    const names = new ToolNames();
    const again = new ToolNames();
    const [first, second] = [names.nameOf('a.b', 'tool'), names.nameOf('a_b', 'tool')];
    expect(first).toBe('a_b__tool');
    expect(second).toMatch(/^a_b__tool_[0-9a-f]{8}$/u);
    expect([again.nameOf('a.b', 'tool'), again.nameOf('a_b', 'tool')]).toEqual([first, second]);
  });

  it('cuts what is too long and keeps it unique', () => {
    const names = new ToolNames();
    const long = 'x'.repeat(80);
    const [first, second] = [names.nameOf('s', `${long}1`), names.nameOf('s', `${long}2`)];
    expect(first).toHaveLength(64);
    expect(second).toHaveLength(64);
    expect(first).not.toBe(second);
    expect(`${first}${second}`).toMatch(/^[A-Za-z0-9_-]+$/u);
  });
});
