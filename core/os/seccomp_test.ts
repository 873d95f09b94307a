import { assert, assertEquals } from "@std/assert";
import { abisOf, seccompProfile, syscallRule } from "./seccomp.ts";
import { compileSeccompFilter } from "./seccomp_filter.ts";
import { type SyscallAbi, syscallNames } from "./syscall_table.ts";

const audit: Readonly<Record<SyscallAbi, number>> = {
  x86_64: 0xc000_003e,
  i386: 0x4000_0003,
  aarch64: 0xc000_00b7,
  arm: 0x4000_0028,
};

/** Runs a filter as the kernel does (kernel documentation, filter.rst); gives the verdict. */
function judge(filter: Uint8Array<ArrayBuffer>, call: { number: number; architecture: number; first: number }): number {
  const view = new DataView(filter.buffer);
  const data = new Map([[0, call.number], [4, call.architecture], [16, call.first]]);
  let accumulator = 0;
  for (let at = 0;; at++) {
    const code = view.getUint16(at * 8, true), value = view.getUint32(at * 8 + 4, true);
    const jump = (isTrue: boolean): number => view.getUint8(at * 8 + (isTrue ? 2 : 3));
    if (code === 0x20) accumulator = data.get(value) ?? 0;
    else if (code === 0x05) at += value;
    else if (code === 0x15) at += jump(accumulator === value);
    else if (code === 0x35) at += jump(accumulator >= value);
    else if (code === 0x45) at += jump((accumulator & value) !== 0);
    else if (code === 0x06) return value;
    else throw new Error(`instruction ${code}`);
  }
}

const ALLOW = 0x7fff_0000, EPERM = 0x0005_0001, ENOSYS = 0x0005_0026, KILL = 0x8000_0000;

for (const architecture of ["x86_64", "aarch64"]) {
  const filter = compileSeccompFilter(architecture) ?? new Uint8Array();
  const abis = abisOf(architecture) ?? [];

  Deno.test(`compileSeccompFilter() judges every call of ${architecture} by its rule`, () => {
    for (const abi of abis) {
      const names = syscallNames(abi);
      const numbers = [
        ...names.keys(),
        ...Array.from({ length: 600 }, (_, number) => number),
        0x4000_0000,
        0xffff_ffff,
      ];
      for (const number of numbers) {
        const name = names.get(number);
        const rule = name === undefined ? undefined : syscallRule(name);
        if (rule?.type.startsWith("allow-")) continue;
        const expected = rule?.type === "allow" ? ALLOW : rule?.type === "fail" && rule.errno === 1 ? EPERM : ENOSYS;
        assertEquals([abi, name, judge(filter, { number, architecture: audit[abi], first: 0 })], [abi, name, expected]);
      }
    }
  });

  Deno.test(`compileSeccompFilter() judges calls of ${architecture} by their argument where it counts`, () => {
    for (const abi of abis) {
      const numberOf = (wanted: string): number =>
        [...syscallNames(abi)].find(([, name]) => name === wanted)?.[0] ?? -1;
      const verdicts = (name: string, ...arguments_: number[]): number[] =>
        arguments_.map((first) => judge(filter, { number: numberOf(name), architecture: audit[abi], first }));
      assertEquals(verdicts("clone", 17, 0x0100_0011, 0x1000_0011, 0x0002_0000), [ALLOW, ALLOW, EPERM, EPERM]);
      assertEquals(verdicts("personality", 0, 8, 0xffff_ffff, 0x0004_0000), [ALLOW, ALLOW, ALLOW, EPERM]);
      assertEquals(verdicts("socket", 1, 2, 16, 38, 39, 40, 41), [ALLOW, ALLOW, ALLOW, EPERM, ALLOW, EPERM, ALLOW]);
    }
  });

  Deno.test(`compileSeccompFilter() kills callers of interfaces that ${architecture} does not have`, () => {
    const other = architecture === "x86_64" ? audit.aarch64 : audit.x86_64;
    assertEquals(judge(filter, { number: 0, architecture: other, first: 0 }), KILL);
  });
}

Deno.test("syscallRule() refuses what would lead out of a container", () => {
  for (
    const name of ["mount", "unshare", "setns", "bpf", "kexec_load", "open_by_handle_at", "keyctl", "io_uring_setup"]
  ) {
    assertEquals(syscallRule(name), { type: "fail", errno: 1 });
  }
  for (const name of ["openat", "execve", "chroot", "ptrace", "mknodat"]) {
    assertEquals(syscallRule(name), { type: "allow" });
  }
});

Deno.test("seccompProfile() names each call once and knows machines that the filter is made for", () => {
  const names = seccompProfile("x86_64")?.syscalls[0]?.names ?? [];
  assertEquals(names.length, new Set(names).size);
  assert(names.includes("openat") && names.includes("arch_prctl") && !names.includes("mount"));
  assertEquals(seccompProfile("riscv64"), undefined);
  assertEquals(compileSeccompFilter("riscv64"), undefined);
});
