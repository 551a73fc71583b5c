// SPDX-License-Identifier: GPL-2.0-or-later
/* What btf_test.c asks for, turned into BTF as kernels' types are: compiled, then encoded by
 * pahole. */

struct inner {
	int first;
	long second;
};

typedef const struct inner inner_alias;

struct outer {
	char tag;
	inner_alias named;
	union {
		int in_union;
		struct {
			short low;
			struct {
				short deep;
			};
		};
	};
	unsigned int bit : 1;
	unsigned int bits : 5;
	unsigned char after;
	struct outer *self;
	char text[16];
};

typedef struct {
	unsigned int val;
} id_alias;

union both {
	long wide;
	int narrow;
};

enum colour {
	RED,
	GREEN = 7,
	BLUE = -2,
};

enum size {
	SMALL = 1,
	LARGE = 0xfffffff0,
};

typedef enum {
	YES = 1,
} answer;

struct big {
	long words[3];
};

/* What images/image.S needs. */
struct task_struct {
	char state[0x998];
	int pid;
};

struct task_struct task;
struct outer outer;
union both both;
enum colour colour;
enum size size;
answer answer_value;
id_alias id;

int none(void);
int two(struct outer *o, id_alias i);
int six(int a, long b, char c, void *d, enum colour e, _Bool f);
int by_value(struct big big, int i);
int variadic(const char *format, ...);
int real(double d);
int security_one(int a, int b);
int security_two(int a, int b, int c, int d, int e, int f);

int none(void)
{
	return outer.tag;
}

int two(struct outer *o, id_alias i)
{
	return o->after + (int)i.val;
}

int six(int a, long b, char c, void *d, enum colour e, _Bool f)
{
	return a + (int)b + c + !d + (int)e + f;
}

int by_value(struct big big, int i)
{
	return (int)big.words[i];
}

int variadic(const char *format, ...)
{
	return *format;
}

int real(double d)
{
	return d > 0;
}

int security_one(int a, int b)
{
	return a + b;
}

int security_two(int a, int b, int c, int d, int e, int f)
{
	return a + b + c + d + e + f;
}
