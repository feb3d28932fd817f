package android.content;

/** Stands for Android's class of this name, which the generated code mentions and a desktop JVM does not have. */
public class Context {}
